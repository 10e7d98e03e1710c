// Loaded into a server before it starts: watches each turn of its event loop, and on SIGUSR2 says on stdout how long the
// longest one took since the last time.
let turned = performance.now();
let longestMs = 0;

function turn() {
  const now = performance.now();
  longestMs = Math.max(longestMs, now - turned);
  turned = now;
  setImmediate(turn);
}
turn();

process.on("SIGUSR2", () => {
  process.stdout.write(`longest turn: ${longestMs} ms\n`);
  longestMs = 0;
});
