import { FREE, members, type Rule, same, TEXT } from "./rule.js";

/** Role, separators and other control tokens around a message or an input. */
const MESSAGE_TOKENS = 8;
/** Around a piece of content: control tokens, or its members' names where a tool's message is written as JSON. */
const CHUNK_TOKENS = 32;
/** What Mistral's template writes around a call of a tool: names of its members, brackets, an id of its own. */
const TOOL_CALL_TOKENS = 48;
/** Members of a tool that Mistral fills in before it writes it out: `type`, `description`, `strict`. */
const TOOL_TOKENS = 64;

const UNBOUNDED: Rule = { whole: "free", mark: "unbounded" };
const DUMPED: Rule = { string: "dumped", overhead: TOOL_CALL_TOKENS };

const BOUNDED_CHUNKS = new Set(["text", "image_url", "input_audio", "reference", "thinking", "tool_reference"]);

/** A message's content: a text, or a list of chunks, of which a thinking one holds chunks again. */
const CONTENT: Rule = {
  string: "content",
  param: "content",
  get items() {
    return CHUNK;
  },
};
const CHUNK: Rule = {
  overhead: CHUNK_TOKENS,
  param: "content",
  members: members({
    type: { whole: "free", mark: "unbounded", exceptFor: BOUNDED_CHUNKS },
    text: { string: "content", param: "text" },
    // A picture is bounded by its place in the prompt, whatever its bytes.
    image_url: { whole: "free", mark: "image" },
    input_audio: { whole: "free", mark: "audio" },
    thinking: CONTENT,
    closed: FREE,
    ...same(UNBOUNDED, ["document_url", "file_id", "file"]),
  }),
};

const TOOL_CALL: Rule = {
  param: "tool_calls",
  members: members({
    id: TEXT,
    type: TEXT,
    index: FREE,
    function: { param: "tool_calls", members: members({ name: TEXT, arguments: DUMPED }) },
  }),
};

const PLAIN_ROLES = new Set(["system", "user", "assistant"]);

const MESSAGE_MEMBERS = {
  role: { string: "free", param: "role", mark: "plain_role", onlyFor: PLAIN_ROLES },
  content: CONTENT,
  tool_calls: { items: TOOL_CALL, param: "tool_calls" },
  name: TEXT,
  tool_call_id: TEXT,
  prefix: FREE,
} satisfies Record<string, Rule>;

/** One message of a chat. */
export const MESSAGE: Rule = {
  isMessage: true,
  overhead: MESSAGE_TOKENS,
  param: "messages",
  members: members(MESSAGE_MEMBERS),
};

/** A step of a conversation. Handoffs and runs of built-in tools cost their bytes. */
export const ENTRY: Rule = {
  isMessage: true,
  overhead: MESSAGE_TOKENS,
  param: "inputs",
  members: members({
    ...MESSAGE_MEMBERS,
    arguments: DUMPED,
    result: DUMPED,
    ...same(FREE, ["object", "created_at", "completed_at"]),
  }),
};

/** Only functions run at the caller's; every other tool runs at Mistral, and at a price. */
export const TOOLS: Rule = {
  param: "tools",
  items: {
    param: "tools",
    whole: "json",
    overhead: TOOL_TOKENS,
    mark: "tool",
    members: members({
      type: { string: "free", param: "tools", mark: "built_in_tool", exceptFor: new Set(["function"]) },
      function: { whole: "free", mark: "function_tool" },
    }),
    other: { whole: "free", mark: "built_in_tool" },
  },
};

/** One text, a list of texts, or of tokens by their numbers, which cost their digits. */
export const INPUT: Rule = {
  string: "text",
  overhead: MESSAGE_TOKENS,
  get items() {
    return INPUT;
  },
};

/** Messages, lists of them, or objects that hold such lists. */
export const CHAT_INPUT: Rule = {
  isMessage: true,
  overhead: MESSAGE_TOKENS,
  param: "input",
  get items() {
    return CHAT_INPUT;
  },
  get members() {
    return CHAT_INPUT_MEMBERS;
  },
};
const CHAT_INPUT_MEMBERS = members({ ...MESSAGE_MEMBERS, messages: CHAT_INPUT });
