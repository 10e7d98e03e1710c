import type { Overview } from "./answers.js";
import { find, write } from "./dom.js";
import { dayAndTime, span, timeOfDay, whole } from "./numbers.js";
import type { Contact } from "./watch.js";

/** Says how the service stands, and how the page stands with it. */
export class StatusBar {
  #hasAsked = false;

  show(overview: Overview): void {
    const { policy, store, draining, faults, organization } = overview;
    const now = Date.parse(overview.now);
    document.body.dataset["at"] = overview.now;
    write(find("organization", HTMLElement), organization ?? "");
    fact("service", draining ? "draining" : overview.status === "ready" ? "ready" : "not ready", {
      level: draining || overview.status !== "ready" ? "nearly" : "room",
      more: `version ${overview.version}, up ${span(now - Date.parse(overview.started_at))}`,
    });
    fact("policy", policy === null ? "none in force" : `${policy} (${overview.policy_revision ?? ""})`, {
      level: policy === "current" ? "room" : "full",
      more: reloadsOf(overview, now),
    });
    fact("store", store, { level: store === "up" ? "room" : "full", more: store === "up" ? "" : "see the log" });
    const says = find("faults", HTMLElement);
    says.hidden = faults.length === 0;
    write(says, `The policy file is at fault, and the last good one stays in force: ${faults.join("; ")}`);
  }

  tell(contact: Contact): void {
    const said = find("contact", HTMLElement);
    write(said, contactWords(contact));
    said.dataset["level"] = contact.kind === "live" ? "room" : "nearly";
    document.body.classList.toggle("stale", contact.kind === "lost");
    const wantsToken = contact.kind === "token_wanted";
    const form = find("token-form", HTMLFormElement);
    form.hidden = !wantsToken;
    find("content", HTMLElement).hidden = wantsToken;
    if (!wantsToken) return;
    write(find("token-says", HTMLElement), this.#hasAsked ? "That is not the admin token." : "");
    this.#hasAsked = true;
    find("token", HTMLInputElement).focus();
  }
}

interface Fact {
  readonly level: string;
  readonly more: string;
}

function fact(id: string, text: string, { level, more }: Fact): void {
  const value = find(id, HTMLElement);
  write(value, text);
  value.dataset["level"] = level;
  write(find(`${id}-more`, HTMLElement), more);
}

function reloadsOf({ policy_loaded_at: loadedAt, policy_reloads: { ok, failed } }: Overview, now: number): string {
  if (loadedAt === null) return "";
  const refused = failed === 0 ? "" : `, ${whole(failed)} refused`;
  const how = ok === 0 ? "read at the start" : `reload ${whole(ok)}`;
  const at = Date.parse(loadedAt);
  return `${how}${refused}, ${dayAndTime(at)}, ${span(now - at)} ago`;
}

function contactWords(contact: Contact): string {
  switch (contact.kind) {
    case "live":
      return "live";
    case "lost":
      return `no answer since ${timeOfDay(contact.since)}; what is shown is as it was then. Asking again at ${timeOfDay(contact.nextAt)}.`;
    case "token_wanted":
      return "waits for the admin token";
    case "paused":
      return "paused while hidden";
  }
}
