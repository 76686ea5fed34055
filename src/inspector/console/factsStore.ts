/**
 * The facts in sight, of one kind, as of a cycle: any part of the list at once, or those that a text is found in, one page after
 * the other.
 *
 * The server counts and searches. A list without a search has as many rows as there are facts, and asks for the pages in sight.
 * A search goes on by itself until it has enough rows to show, and further as the viewer scrolls.
 *
 * Invariants: the page remembers a bounded number of facts of a list, and values only as far as a row shows them; a page that
 * comes late for another query is dropped. Boundary: asks and remembers.
 */
import { computed, signal } from "@preact/signals"
import { ask, type Fact, type FactPage, ofJob, type Problem, queryOf } from "./api.ts"

export interface FactQuery {
  readonly jobId: string
  readonly kind: string
  readonly q: string
  /** Undefined: the newest. */
  readonly at: number | undefined
}

/** Tuning: facts of a page; pages that a list remembers; rows up to which a search goes on by itself. */
const pageSize = 200
const remembered = 50
const searchedRows = 60
/** Characters of a value that a row shows. */
const rowLength = 200

export const isLoading = signal(false)
export const problem = signal<Problem | undefined>(undefined)

/** The facts that were found so far. The list grows in place, so a long search copies nothing. */
let found: Array<Fact> = []
let cursor: string | null = null
let pages = new Map<number, ReadonlyArray<Fact>>()
const asked = new Set<number>()
let query: FactQuery | undefined
let version = 0
/** Counts up when the facts change. */
const drawn = signal(0)
/** How far a search has looked: a part of 1, or undefined if there is none or it has ended. */
export const searched = signal<number | undefined>(undefined)
/** Whether the first answer to the query is here. */
export const isAnswered = signal(false)

/** Whether facts with a text are here, or it is known that there are none. */
export const hasFound = (text: string): boolean => {
  const isKnown = isAnswered.value && (!isLoading.value || found.length > 0)
  return isKnown && query?.q === text
}

const isSame = (a: FactQuery | undefined, b: FactQuery): boolean =>
  a !== undefined && a.jobId === b.jobId && a.kind === b.kind && a.q === b.q && a.at === b.at

/** The facts that a search has found; undefined without a search. */
export const foundCount = computed(() => {
  void drawn.value
  return query === undefined || query.q === "" ? undefined : found.length
})

const fetchPage = ({ at, jobId, kind, q }: FactQuery, place: Readonly<Record<string, string | number | undefined>>) =>
  ask<FactPage>(ofJob(jobId, `/facts${queryOf({ kind, q, at, limit: pageSize, valueLength: rowLength, ...place })}`))

/** The fact of a row. Undefined if it is not here yet: `need` asks for it. */
export const factAt = (index: number): Fact | undefined => {
  void drawn.value
  if (query?.q !== "") return found[index]
  return pages.get(Math.floor(index / pageSize))?.[index % pageSize]
}

/** The row of a fact among those that are here; -1 if it is not. */
export const rowOf = (isIt: (fact: Fact) => boolean): number => {
  void drawn.value
  if (query?.q !== "") return found.findIndex(isIt)
  for (const [number, facts] of pages) {
    const place = facts.findIndex(isIt)
    if (place >= 0) return number * pageSize + place
  }
  return -1
}

const readPage = async (of: FactQuery, number: number): Promise<void> => {
  asked.add(number)
  isLoading.value = true
  const before = pages.get(number - 1)?.at(-1)
  // The page before ends where this one begins.
  const place =
    before === undefined || number === 0 ? { offset: number * pageSize } : { cursor: before.provenance.version }
  const answer = await fetchPage(of, number === 0 ? {} : place)
  // The same words may have been asked for anew meanwhile: then that question has pages of its own.
  if (query !== of) return
  asked.delete(number)
  isLoading.value = asked.size > 0
  if (answer === undefined) return
  isAnswered.value = true
  problem.value = answer.ok ? undefined : answer.problem
  if (!answer.ok) return
  ;({ version } = answer.value)
  pages.delete(number)
  pages.set(number, answer.value.facts)
  for (const oldest of pages.keys()) {
    if (pages.size <= remembered) break
    pages.delete(oldest)
  }
  drawn.value++
}

const searchOn = async (of: FactQuery): Promise<void> => {
  isLoading.value = true
  for (const enough = found.length + searchedRows; ;) {
    const answer = await fetchPage(of, { cursor: cursor ?? undefined })
    if (query !== of) return
    if (answer === undefined) break
    isAnswered.value = true
    problem.value = answer.ok ? undefined : answer.problem
    if (!answer.ok) break
    ;({ cursor, version } = answer.value)
    for (const fact of answer.value.facts) found.push(fact)
    searched.value = cursor === null ? undefined : Math.min(1, Number(cursor) / Math.max(1, version))
    drawn.value++
    if (cursor === null || found.length >= enough) break
  }
  isLoading.value = false
}

/** Shows the facts of a query. */
export const show = (next: FactQuery): void => {
  if (isSame(query, next)) return
  query = next
  found = []
  pages = new Map()
  asked.clear()
  cursor = null
  problem.value = undefined
  searched.value = next.q === "" ? undefined : 0
  isAnswered.value = false
  drawn.value++
  if (next.q === "") void readPage(next, 0)
  else void searchOn(next)
}

/** Asks for the rows in sight that are not here. */
export const need = (first: number, last: number): void => {
  if (query === undefined) return
  if (query.q !== "") {
    if (last >= found.length - pageSize / 4 && cursor !== null && !isLoading.value) void searchOn(query)
    return
  }
  for (let number = Math.floor(first / pageSize); number <= Math.floor(Math.max(0, last - 1) / pageSize); number++)
    if (!pages.has(number) && !asked.has(number)) void readPage(query, number)
}

/** Asks again for the rows in sight, for a job that lives. Rows that are there keep their places until the answer is here. */
export const refresh = async (first: number, last: number): Promise<void> => {
  if (query === undefined || query.at !== undefined || query.q !== "") return
  const from = Math.floor(first / pageSize)
  const to = Math.floor(Math.max(0, last - 1) / pageSize)
  for (let number = from; number <= to; number++) if (!asked.has(number)) await readPage(query, number)
}
