/** The facts in which two cycles, or two jobs, differ: added, changed with both values, and gone. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, type Fact, ofJob, type Problem } from "./api.ts"
import { number } from "./format.ts"
import { FactLink } from "./links.tsx"
import { Empty, Fault } from "./parts.tsx"
import type { Diff } from "./shapes.ts"
import { Value } from "./ValueView.tsx"
import { wholeOf } from "./wholeFact.ts"

type Change = Diff["changes"][number]

/** Changes of one page; the button below fetches the next. */
const pageSize = 200
/** Characters of a value; the rest comes when it is asked for. */
const shownLength = 600

const titles = { added: "Added", revised: "Changed", removed: "Gone" } as const
const signs = { added: "+", revised: "±", removed: "−" } as const

const Item = ({
  change: { after, before, change },
  jobId
}: {
  readonly change: Change
  /** The job of the values; undefined where two jobs are compared. */
  readonly jobId: string | undefined
}) => {
  const whole = (fact: Fact) => (jobId === undefined ? undefined : wholeOf(jobId, fact))
  const fact = after ?? before
  if (fact === null) return null
  return (
    <li class={change}>
      <p>
        <span class="sign" aria-hidden="true">
          {signs[change]}
        </span>{" "}
        <FactLink fact={fact} />
      </p>
      <div class={before !== null && after !== null ? "both" : ""}>
        {before === null ? null : (
          <Value class="before" value={before.value} length={before.length} whole={whole(before)} />
        )}
        {after === null ? null : <Value class="after" value={after.value} length={after.length} whole={whole(after)} />}
      </div>
    </li>
  )
}

/** `path`: the question that the server answers with changes. `title`: what is compared. */
export const DiffView = ({
  path,
  title,
  jobId,
  kind
}: {
  readonly jobId: string
  readonly path: string
  readonly title: string
  readonly kind: string
}) => {
  const diff = useSignal<Diff | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  const read = async (cursor: string | null, signal?: AbortSignal): Promise<void> => {
    const page = `${path.includes("?") ? "&" : "?"}limit=${pageSize}&valueLength=${shownLength}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`
    const answer = await ask<Diff>(ofJob(jobId, path + page), signal === undefined ? {} : { signal })
    // The same page may have been asked for twice.
    if (answer === undefined || (cursor !== null && diff.peek()?.cursor !== cursor)) return
    problem.value = answer.ok ? undefined : answer.problem
    if (!answer.ok) return
    const before = cursor === null ? [] : (diff.value?.changes ?? [])
    diff.value = { ...answer.value, changes: [...before, ...answer.value.changes] }
  }
  useEffect(() => {
    const abort = new AbortController()
    void read(null, abort.signal)
    return () => abort.abort()
  }, [jobId, path])
  const { value } = diff
  const fault = problem.value === undefined ? null : <Fault problem={problem.value} />
  if (value === undefined) return fault ?? <Empty>Comparing…</Empty>
  const { cursor } = value
  const changes = value.changes.filter(({ after, before }) => kind === "" || (after ?? before)?.kind === kind)
  return (
    <div class="diff" tabIndex={0} role="region" aria-label={title}>
      <h2>{title}</h2>
      {changes.length === 0 && cursor === null ? <Empty>Nothing differs.</Empty> : null}
      {(["added", "revised", "removed"] as const).map((sort) => {
        const list = changes.filter(({ change }) => change === sort)
        return list.length === 0 ? null : (
          <section key={sort}>
            <h3>
              {titles[sort]} <small>{number(kind === "" ? value.counts[sort] : list.length)}</small>
            </h3>
            <ul>
              {list.map((change) => (
                <Item
                  key={(change.after ?? change.before)?.provenance.version}
                  change={change}
                  jobId={path.startsWith("/diff?") ? jobId : undefined}
                />
              ))}
            </ul>
          </section>
        )
      })}
      {fault}
      {cursor === null ? null : (
        <button type="button" onClick={() => void read(cursor)}>
          more changes
        </button>
      )}
    </div>
  )
}
