/**
 * The compiled form of a program that is given by its public type. Boundary: data.
 */
import type { Program } from "./Program.ts"
import type { CompiledProgram } from "./compile.ts"

/** The compiled form. Every program is made by `make` above, which sets it: the cast is sound. */
export const compiledOf = (program: Program.Any): CompiledProgram =>
  (program as unknown as { readonly compiled: CompiledProgram }).compiled
