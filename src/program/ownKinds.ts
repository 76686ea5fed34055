/**
 * The mark of the kinds that the package defines, and not a program.
 *
 * The mark is part of the kind, and its symbol is registered by name: an engine knows the kinds of another copy of the package,
 * with which a program was made. Boundary: kinds in, kinds out.
 */
import type { Kind } from "./Fact.ts"
import { OwnKindTypeId } from "./typeIds.ts"

/** Who may propose facts of a kind of the package: the engine alone, or whoever may write other kinds. */
type Writer = "anyone" | "engine"

const writerOf = (kind: Kind.Any): unknown => (OwnKindTypeId in kind ? kind[OwnKindTypeId] : undefined)

/** The kind as one of the package. */
export const asOwn = <K extends Kind.Any>(kind: K, writer: Writer): K =>
  Object.freeze({ ...kind, [OwnKindTypeId]: writer })

/** Whether the package defines a kind, and not the program. */
export const isPackages = (kind: Kind.Any): boolean => writerOf(kind) !== undefined

/** Whether only the engine writes facts of a kind. */
export const isEnginesOwn = (kind: Kind.Any): boolean => writerOf(kind) === "engine"
