/** The job as it was after the cycle that the page shows: its facts by kind, what it had used, and what the cycle changed. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, ofJob, type Problem } from "./api.ts"
import { DiffView } from "./DiffView.tsx"
import { number, plural, span } from "./format.ts"
import { at, jobId } from "./jobStore.ts"
import { Fault, Panel, Said } from "./parts.tsx"
import type { Replayed } from "./shapes.ts"

const kindsShown = 12

const Numbers = ({ found: { diagnostics, facts, hash, tier, unanswered, usage } }: { readonly found: Replayed }) => (
  <dl class="numbers">
    <div>
      <dt>facts</dt>
      <dd>{number(usage.facts)}</dd>
    </div>
    <div>
      <dt>tasks</dt>
      <dd>{number(usage.agents)}</dd>
    </div>
    <div>
      <dt>time</dt>
      <dd>{span(usage.durationMs)}</dd>
    </div>
    <div>
      <dt>tier</dt>
      <dd>{number(tier)}</dd>
    </div>
    {unanswered.length === 0 ? null : (
      <div>
        <dt>open intents</dt>
        <dd>{number(unanswered.length)}</dd>
      </div>
    )}
    {diagnostics.length === 0 ? null : (
      <div>
        <dt>diagnostics</dt>
        <dd>{number(diagnostics.length)}</dd>
      </div>
    )}
    <div>
      <dt>hash</dt>
      <dd>
        <code title={hash}>{hash.slice(0, 12)}</code>
      </dd>
    </div>
    {Object.entries(facts)
      .slice(0, kindsShown)
      .map(([kind, count]) => (
        <div key={kind}>
          <dt>
            <Said text={kind} limit={40} />
          </dt>
          <dd>{number(count)}</dd>
        </div>
      ))}
  </dl>
)

export const Past = () => {
  const id = jobId.value
  const cycle = at.value
  const found = useSignal<Replayed | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  useEffect(() => {
    if (id === undefined || cycle === undefined) return undefined
    const abort = new AbortController()
    void ask<Replayed>(ofJob(id, `/replay?at=${cycle}`), { signal: abort.signal }).then((answer) => {
      if (answer === undefined) return
      problem.value = answer.ok ? undefined : answer.problem
      if (answer.ok) found.value = answer.value
    })
    return () => abort.abort()
  }, [id, cycle])
  if (id === undefined || cycle === undefined) return null
  return (
    <Panel
      title={`After cycle ${number(cycle)}`}
      note={found.value === undefined ? "" : plural(found.value.version, "commit")}
      tone="warn"
    >
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      {found.value === undefined ? null : <Numbers found={found.value} />}
      {cycle === 0 ? null : (
        <DiffView
          jobId={id}
          path={`/diff?from=${cycle - 1}&to=${cycle}`}
          title={`Changes of cycle ${number(cycle)}`}
          kind=""
        />
      )}
    </Panel>
  )
}
