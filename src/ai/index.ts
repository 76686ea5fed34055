/**
 * `effect-converge/ai`: models of effect/ai whose calls are paid from the budgets of jobs.
 *
 * Importing this loads effect/ai; the package's root does not. Boundary: the public names.
 */
export * as MeteredModel from "./MeteredModel.ts"
