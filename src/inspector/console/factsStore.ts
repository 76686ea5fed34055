/**
 * The facts in sight: a page after the other, of one kind, as of a cycle, found by a text.
 *
 * Boundary: the server searches; this file joins pages and remembers which query they are for.
 */
import { signal } from "@preact/signals"
import { ask, type Fact, type FactPage, ofJob, type Problem, queryOf } from "./api.ts"

export interface FactQuery {
  readonly jobId: string
  readonly kind: string
  readonly q: string
  /** Undefined: the newest. */
  readonly at: number | undefined
}

const pageSize = 200

export const facts = signal<ReadonlyArray<Fact>>([])
export const isLoading = signal(false)
export const problem = signal<Problem | undefined>(undefined)
const cursor = signal<string | null>(null)
let asked: FactQuery | undefined

const isSame = (a: FactQuery | undefined, b: FactQuery): boolean =>
  a !== undefined && a.jobId === b.jobId && a.kind === b.kind && a.q === b.q && a.at === b.at

const fetchPage = async (query: FactQuery, after: string | undefined): Promise<void> => {
  isLoading.value = true
  const { at, jobId, kind, q } = query
  const answer = await ask<FactPage>(ofJob(jobId, `/facts${queryOf({ kind, q, at, limit: pageSize, cursor: after })}`))
  if (!isSame(asked, query)) return
  isLoading.value = false
  if (answer === undefined) return
  if (!answer.ok) {
    problem.value = answer.problem
    return
  }
  problem.value = undefined
  cursor.value = answer.value.cursor
  facts.value = after === undefined ? answer.value.facts : [...facts.value, ...answer.value.facts]
}

/** Shows the facts of a query. The list before stays until the first page is here. */
export const show = (query: FactQuery): void => {
  if (isSame(asked, query)) return
  asked = query
  cursor.value = null
  void fetchPage(query, undefined)
}

/** Asks again for the first page, for a job that lives. Rows that are there keep their places. */
export const refresh = async (): Promise<void> => {
  const query = asked
  if (query === undefined || query.at !== undefined || facts.value.length > pageSize) return
  const { jobId, kind, q } = query
  const answer = await ask<FactPage>(ofJob(jobId, `/facts${queryOf({ kind, q, limit: pageSize })}`))
  if (answer?.ok !== true || !isSame(asked, query)) return
  cursor.value = answer.value.cursor
  facts.value = answer.value.facts
}

export const more = (): void => {
  if (asked === undefined || cursor.value === null || isLoading.value) return
  void fetchPage(asked, cursor.value)
}
