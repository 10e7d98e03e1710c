// What things may be called, in the policy file and on the wire alike: a name that one of them takes and the other refuses
// would be a rule that nobody can meet.

/** What workspaces, roles, the organization and notify targets may be called. */
export const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** What principals, models and requests may be called: printable ASCII without space, `"`, `\`, `{`, `}`. */
export const ID = /^[!#-[\]-z|~]{1,128}$/;

/** What NAME asks for, for a person. */
export const NAME_RULE = "letters, digits, _ and -, at most 64 of them";

/** What ID asks for, for a person. */
export const ID_RULE = 'printable ASCII without space, ", \\, { and }, at most 128 characters';

/** What the policy file may call models: as ID, but without `*`, which makes a pattern of a name. */
export const MODEL_NAME = /^[!#-)+-[\]-z|~]{1,128}$/;

/** What MODEL_NAME asks for, for a person. */
export const MODEL_NAME_RULE = 'printable ASCII without space, ", \\, {, } and *, at most 128 characters';
