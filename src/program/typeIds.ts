/**
 * The symbols that mark kinds, agents and programs as made by this package.
 *
 * They are registered by name, so that two copies of the package in one process know each other's definitions. They also
 * tell the types apart. Boundary: symbols.
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
