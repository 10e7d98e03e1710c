/** Where segments are kept, by their numbers. What fails throws the system's error. */
export interface Disk {
  /** The numbers of all segments, in order. */
  segments(): readonly number[];
  read(segment: number): Buffer;
  /** Make a segment that begins with these bytes, and have both on the disk. */
  create(segment: number, head: Buffer): Promise<SegmentFile>;
  /** Take away the end of a segment. */
  cut(segment: number, length: number): void;
  /** Keep a segment under another name too, which `remove` leaves. @returns that name. */
  keepAside(segment: number): string;
  remove(segment: number): void;
}

/** A segment that is written. */
export interface SegmentFile {
  /** Write the first bytes at a place; returns once they are in the kernel's hands. */
  write(bytes: Buffer, length: number, at: number): void;
  cut(length: number): void;
  /** Have all that was written on the disk. */
  sync(): Promise<void>;
  close(): void;
}
