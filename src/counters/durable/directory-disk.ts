import {
  close,
  closeSync,
  fdatasync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Disk, SegmentFile } from "./disk.js";

const OWNER_ONLY = 0o600;
const DIGITS = 10;
const NAME = /^journal-(\d{10})$/;
const UNFINISHED = "journal-new";
/** One read returns no more than 2 GiB. */
const READ_AT_ONCE = 1 << 30;

const syncData = promisify(fdatasync);

/** Keep segments as files of a directory that is there. */
export function directoryDisk(directory: string): Disk {
  const pathOf = (segment: number) => join(directory, `journal-${String(segment).padStart(DIGITS, "0")}`);
  return {
    segments: () =>
      readdirSync(directory)
        .flatMap((name) => NAME.exec(name)?.[1] ?? [])
        .map(Number)
        .sort((left, right) => left - right),
    read: (segment) => readAll(pathOf(segment)),
    async create(segment, head) {
      // Under another name until its head is on the disk: a segment without one would be refused at the next start.
      const unfinished = join(directory, UNFINISHED);
      const file = await open(unfinished, "w", OWNER_ONLY);
      try {
        await file.write(head, 0, head.length, 0);
        await file.datasync();
      } finally {
        await file.close();
      }
      renameSync(unfinished, pathOf(segment));
      await syncDirectory(directory);
      return segmentFile(openSync(pathOf(segment), "r+"));
    },
    cut: (segment, length) => truncateSync(pathOf(segment), length),
    keepAside(segment) {
      const aside = `${pathOf(segment)}.damaged`;
      rmSync(aside, { force: true });
      linkSync(pathOf(segment), aside);
      return aside;
    },
    remove: (segment) => rmSync(pathOf(segment), { force: true }),
  };
}

function segmentFile(fd: number): SegmentFile {
  return {
    write(bytes, length, at) {
      for (let done = 0; done < length; ) {
        const written = writeSync(fd, bytes, done, length - done, at + done);
        if (written === 0) throw new Error("nothing could be written");
        done += written;
      }
    },
    cut: (length) => ftruncateSync(fd, length),
    sync: () => syncData(fd),
    close: () => close(fd),
  };
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function readAll(path: string): Buffer {
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(statSync(path).size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, Math.min(READ_AT_ONCE, bytes.length - length), length);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}
