import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { askUntil, inTime } from "./redis/deadlines.js";
import { endAfterwards } from "./redis/ending.js";

const DEADLINE_MS = 5_000;

/** Start a TCP server on a free port that answers with the bytes that it is sent. */
export async function startEcho() {
  const sockets = new Set<Socket>();
  let received = "";
  const server = createServer((socket) => {
    sockets.add(socket.setEncoding("utf8"));
    socket.on("data", (text) => {
      received += text;
      socket.write(text);
    });
    // A reset is one of the ends that its clients are tried with.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const end = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  endAfterwards(end);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return { port: address.port, received: () => received, connections: () => sockets.size, end };
}

/** How a connection ended: by an orderly end, or by the code of an error. */
export type HowItEnded = "end" | "close" | (string & {});

/** Dial a port of 127.0.0.1 and keep what comes. @throws Error with its code where it is refused. */
export async function dialled(port: number) {
  const socket = dial({ port, host: "127.0.0.1", noDelay: true }).setEncoding("utf8");
  endAfterwards(async () => void socket.destroy());
  let got = "";
  let how: HowItEnded | undefined;
  socket.on("data", (text) => {
    got += text;
  });
  socket.on("end", () => {
    how ??= "end";
  });
  const closed = new Promise<HowItEnded>((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      how = error.code ?? error.message;
    });
    socket.on("close", () => resolve(how ?? "close"));
  });
  await inTime(DEADLINE_MS, "the connection", once(socket, "connect"));
  return {
    say: (text: string) => void socket.write(text),
    hangUp: () => void socket.end(),
    got: () => got,
    isOpen: () => !socket.destroyed && how === undefined,
    /** Wait until all that came is this. */
    hears: (text: string) =>
      askUntil(
        DEADLINE_MS,
        async () => got,
        (all) => all === text,
      ),
    ended: () => inTime(DEADLINE_MS, "the end of the connection", closed),
  };
}
