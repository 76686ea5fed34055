/** Whole values of facts, which the server cut. Boundary: asks. */
import { type Answer, ask, type Fact, type FactPage, ofJob, queryOf } from "./api.ts"
import { at } from "./jobStore.ts"

/** Asks for the fact of a version, as it was then. Undefined if the request was given up. */
export const fetchVersion = async (
  jobId: string,
  kind: string,
  version: number,
  more: Readonly<Record<string, number | undefined>>,
  abort?: AbortSignal
): Promise<Answer<Fact> | undefined> => {
  const path = `/facts${queryOf({ kind, cursor: version - 1, limit: 1, ...more })}`
  const answer = await ask<FactPage>(ofJob(jobId, path), abort === undefined ? {} : { signal: abort })
  if (answer === undefined || !answer.ok) return answer
  const fact = answer.value.facts[0]
  if (fact?.provenance.version === version) return { ok: true, value: fact }
  const detail = `It was revised or pruned since version ${version}, or it is of a later cycle.`
  return { ok: false, problem: { status: 404, title: "This value is not there", detail } }
}

/** A way to the whole value of a fact, which the server cut. */
export const wholeOf =
  (jobId: string, { kind, provenance: { cycle, version } }: Fact) =>
  async () => {
    const now = await fetchVersion(jobId, kind, version, { at: at.peek() })
    const answer = now?.ok === false ? await fetchVersion(jobId, kind, version, { at: cycle }) : now
    return answer?.ok === true ? { ok: true as const, value: answer.value.value } : answer
  }
