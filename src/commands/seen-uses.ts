import type { KeyUses } from "../app/key-ports.js";
import { printable } from "../domain/printable.js";
import type { AdminAskSettings } from "../settings.js";
import type { Io } from "./context.js";
import { askSeenKeys } from "./seen-keys.js";

/**
 * Read what a running server saw of keys' use. Where none answers, it has seen nothing, which is said once: the provider's
 * own word is then the only one.
 */
export function usesSeenBy(settings: AdminAskSettings, io: Io): KeyUses {
  let wasTold = false;
  return {
    read: async () => {
      const asked = await askSeenKeys(settings);
      if (asked.kind === "unseen") {
        if (!wasTold)
          io.stderr.write(`note: when keys were used last is Mistral's word alone: ${printable(asked.why)}\n`);
        wasTold = true;
        return { kind: "uses", since: io.now(), uses: [] };
      }
      const { since, upstream } = asked.seen;
      const uses = upstream.flatMap(({ fingerprint: id, lastUsed }) =>
        lastUsed === undefined ? [] : [{ id, lastUsed }],
      );
      return { kind: "uses", since, uses };
    },
  };
}
