/**
 * `effect-converge/testing`: checks of programs, for any test runner.
 *
 * Boundary: the public names.
 */
export * as Testing from "./Testing.ts"
