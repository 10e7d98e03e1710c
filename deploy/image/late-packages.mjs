/**
 * Give packages that are imported late the names that Node gives them.
 *
 * To Node, `await import()` of a package in CommonJS has its names; in a bundle, all would be below `default`.
 *
 * @type {import("esbuild").Plugin}
 */
export const latePackages = {
  name: "late-packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[@a-z]/ }, ({ kind, path, importer, resolveDir }) => {
      const isOurs = kind === "dynamic-import" && !importer.includes("node_modules") && !path.startsWith("node:");
      return isOurs ? { path, namespace: "late", pluginData: resolveDir } : undefined;
    });
    onLoad({ filter: /./, namespace: "late" }, async ({ path, pluginData }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== "default" && name !== "module.exports");
      return { contents: `export { ${names.join(", ")} } from ${JSON.stringify(path)};`, resolveDir: pluginData };
    });
  },
};
