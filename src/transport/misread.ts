import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { badField, type Fault, fault } from "../app/fault.js";

/** A message that could not be read. */
export interface Misread {
  readonly fault: Fault;
  /** Whether its bytes are a message at all; if not, nothing after it on the same stream can be trusted. */
  readonly isMessage: boolean;
  /** As far as it could be read. */
  readonly requestId: string;
}

/** The fields of a message that matter when it is at fault, by number. */
export interface MessageShape {
  readonly integers: Readonly<Record<number, string>>;
  readonly messages: Readonly<Record<number, { readonly name: string; readonly shape: MessageShape }>>;
  /** The field that holds the request_id. */
  readonly requestId?: number;
}

/** What is said of bytes that are no message. */
export const NO_MESSAGE: Misread = {
  fault: fault("invalid_argument", "the bytes are no such message"),
  isMessage: false,
  requestId: "",
};

/**
 * Say why bytes could not be decoded: they hold an integer beyond 2^53-1, or are no message.
 *
 * The generated decoder throws for both, without the field's name, so this walks the bytes once more. Never throws.
 */
export function misreadOf(bytes: Uint8Array, shape: MessageShape): Misread {
  try {
    const found = walk(new BinaryReader(bytes), bytes.length, shape, "");
    if (found.field !== undefined) {
      return { fault: badField(found.field, "is beyond 2^53-1"), isMessage: true, requestId: found.requestId };
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return NO_MESSAGE;
}

function walk(
  reader: BinaryReader,
  end: number,
  shape: MessageShape,
  path: string,
): { field?: string; requestId: string } {
  let field: string | undefined;
  let requestId = "";
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const integer = shape.integers[number];
    const message = shape.messages[number];
    if (integer !== undefined && wireType === WireType.Varint) {
      if (!isSafe(reader.int64())) field ??= path + integer;
    } else if (message && wireType === WireType.LengthDelimited) {
      const length = reader.uint32();
      const inner = walk(
        reader,
        reader.pos + length,
        message.shape,
        message.name === "" ? path : `${path}${message.name}.`,
      );
      field ??= inner.field;
      requestId ||= inner.requestId;
    } else if (number === shape.requestId && wireType === WireType.LengthDelimited) {
      requestId = reader.string();
    } else {
      reader.skip(wireType, number);
    }
  }
  return field === undefined ? { requestId } : { field, requestId };
}

function isSafe(value: bigint | string): boolean {
  const number = BigInt(value);
  return number <= Number.MAX_SAFE_INTEGER && number >= Number.MIN_SAFE_INTEGER;
}
