/** The outcome of a request of the console. Boundary: types. */
import type * as Shapes from "../../server/shapes.ts"

/** The failure of a request. `status` 0: no server answered. */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
  /** The name of the problem, such as `JobHalted`. */
  readonly name?: string
  /** The decision of an approval that was decided before. */
  readonly decided?: typeof Shapes.Decided.Type
  /** How the job has ended, if that is why. */
  readonly jobStatus?: string
  /** The page says it on top, once for all that it asks: the server is away, or wants a token. */
  readonly isToldOnTop?: boolean
}

export type Answer<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly problem: Problem }
