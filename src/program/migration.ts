/**
 * How the facts of a stored job come along when its program has changed. Boundary: types.
 */

/** A fact of a stored job, as the program that committed it encoded it. */
export interface StoredFact {
  readonly kind: string
  readonly id: string
  /** JSON. */
  readonly value: unknown
}

/**
 * Brings a fact that an earlier version of the program committed to what this one declares.
 *
 * Called once for every fact of the job's context, in commit order, when the job is resumed, or one of its past cycles is
 * forked or looked at; not for facts of the built-in kind `Violation`. Returns the kind and the value as this version encodes
 * it, in JSON, or undefined to drop the fact. If two facts get the same id, the later one counts. Must be a pure function.
 */
export type Migration = (
  fact: StoredFact,
  from: { readonly version: string }
) => { readonly kind: string; readonly value: unknown } | undefined
