import fc from "fast-check";

/** Every letter that an id may have, and every one that a name may. */
export const ID_LETTERS = Array.from({ length: 94 }, (_, nth) => String.fromCharCode(33 + nth)).filter(
  (letter) => !'"\\{}'.includes(letter),
);
const NAME_LETTERS = ID_LETTERS.filter((letter) => /[A-Za-z0-9_-]/.test(letter));

function text(letters: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength, size: "max" });
}

/** Workspaces, principals and request_ids of every legal form. */
export const reservationNames = fc.record({
  workspace: text(NAME_LETTERS, 64),
  principal: text(ID_LETTERS, 128),
  requestId: text(ID_LETTERS, 128),
});

/** The same of few letters, that look like lengths and parts of each other. */
export const likeNames = fc.record({
  workspace: text(["0", "1", "a"], 3),
  principal: text(["0", "1", "a", ":"], 3),
  requestId: text(["0", "1", "a", ":"], 3),
});
