/**
 * The symbols that mark what this package made: kinds, agents and programs.
 *
 * They are registered by name, so that two copies of the package in one process know each other's definitions. Types are told
 * apart by them, too. Boundary: symbols.
 */
/** Marks a kind. */
export const KindTypeId: unique symbol = Symbol.for("effect-converge/Kind")

/** Marks an agent. */
export const AgentTypeId: unique symbol = Symbol.for("effect-converge/Agent")

/** Marks a program. */
export const ProgramTypeId: unique symbol = Symbol.for("effect-converge/Program")
