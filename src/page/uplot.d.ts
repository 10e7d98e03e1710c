// The build puts uPlot's own module beside this folder's, as uplot.js: a browser resolves no package names.
export { default } from "uplot";
