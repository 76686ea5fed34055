/**
 * The symbols that mark kinds, agents and programs as made by this package.
 *
 * They are registered by name, so that two copies of the package in one process know each other's definitions. They also
 * tell the types apart. The kinds that the package itself defines have a mark of their own. Boundary: symbols and marks.
 */

/** Marks a kind. */
export const KindTypeId: unique symbol = Symbol.for("effect-converge/Kind")

/** Marks an agent. */
export const AgentTypeId: unique symbol = Symbol.for("effect-converge/Agent")

/** Marks a program. */
export const ProgramTypeId: unique symbol = Symbol.for("effect-converge/Program")

/** Marks an invariant. */
export const InvariantTypeId: unique symbol = Symbol.for("effect-converge/Invariant")

/** Marks a combining rule that is lawful by itself. */
export const LawfulTypeId: unique symbol = Symbol.for("effect-converge/Lawful")

/** Marks a kind of intents, and the intents of one. */
export const IntentKindTypeId: unique symbol = Symbol.for("effect-converge/IntentKind")

/** Marks the kinds of this package, which programs know without declaring them. */
export const OwnKindTypeId: unique symbol = Symbol.for("effect-converge/OwnKind")

/** Who may propose facts of a kind of the package: the engine alone, or whoever may write other kinds. */
type Writer = "anyone" | "engine"

const writerOf = (kind: object): unknown => (OwnKindTypeId in kind ? kind[OwnKindTypeId] : undefined)

/** The kind as one of the package. */
export const asOwn = <K extends object>(kind: K, writer: Writer): K =>
  Object.freeze({ ...kind, [OwnKindTypeId]: writer })

/** Whether the package defines a kind, and not the program. */
export const isPackages = (kind: object): boolean => writerOf(kind) !== undefined

/** Whether only the engine writes facts of a kind. */
export const isEnginesOwn = (kind: object): boolean => writerOf(kind) === "engine"
