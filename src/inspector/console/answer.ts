/** What a request of the console comes to. Boundary: types. */

/** What went wrong with a request. `status` 0: no server answered. */
export interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
}

export type Answer<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly problem: Problem }
