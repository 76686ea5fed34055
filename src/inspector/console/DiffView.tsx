/** The facts in which two cycles differ: added, changed with both values, and gone. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, type Fact, ofJob, type Problem, queryOf } from "./api.ts"
import { json, number } from "./format.ts"
import { FactLink } from "./links.tsx"
import { Empty, Fault } from "./parts.tsx"

interface Diff {
  readonly added: ReadonlyArray<Fact>
  readonly revised: ReadonlyArray<{ readonly before: Fact; readonly after: Fact }>
  readonly removed: ReadonlyArray<Fact>
}

const shownFacts = 200

const List = ({ facts, sign, name }: { readonly facts: ReadonlyArray<Fact>; readonly sign: "+" | "−"; readonly name: string }) =>
  facts.length === 0 ? null : (
    <section class={sign === "+" ? "added" : "removed"}>
      <h3>{name} <small>{number(facts.length)}</small></h3>
      <ul>
        {facts.slice(0, shownFacts).map((fact) => (
          <li key={fact.provenance.version}>
            <span class="sign" aria-hidden="true">{sign}</span> <FactLink fact={fact} />
            <pre>{json(fact.value, 600)}</pre>
          </li>
        ))}
      </ul>
    </section>
  )

export const DiffView = ({ from, jobId, kind, to }: {
  readonly jobId: string
  readonly from: number
  readonly to: number
  readonly kind: string
}) => {
  const diff = useSignal<Diff | undefined>(undefined)
  const problem = useSignal<Problem | undefined>(undefined)
  useEffect(() => {
    const abort = new AbortController()
    void ask<Diff>(ofJob(jobId, `/diff${queryOf({ from: Math.min(from, to), to: Math.max(from, to), kind })}`), { signal: abort.signal }).then(
      (answer) => {
        if (answer === undefined) return
        problem.value = answer.ok ? undefined : answer.problem
        if (answer.ok) diff.value = answer.value
      }
    )
    return () => abort.abort()
  }, [jobId, from, to, kind])
  if (problem.value !== undefined) return <Fault problem={problem.value} />
  const { value } = diff
  if (value === undefined) return <Empty>Comparing cycle {from} with {to}…</Empty>
  const isOfKind = (fact: Fact): boolean => kind === "" || fact.kind === kind
  const revised = value.revised.filter(({ after }) => isOfKind(after))
  const [added, removed] = [value.added.filter(isOfKind), value.removed.filter(isOfKind)]
  if (added.length + revised.length + removed.length === 0) return <Empty>Nothing differs between cycle {from} and {to}.</Empty>
  return (
    <div class="diff" tabIndex={0} role="region" aria-label={`Changes from cycle ${from} to ${to}`}>
      <List facts={added} sign="+" name="Added" />
      {revised.length === 0 ? null : (
        <section class="revised">
          <h3>Changed <small>{number(revised.length)}</small></h3>
          <ul>
            {revised.slice(0, shownFacts).map(({ after, before }) => (
              <li key={after.provenance.version}>
                <FactLink fact={after} />
                <div class="both">
                  <pre class="before">{json(before.value, 600)}</pre>
                  <pre class="after">{json(after.value, 600)}</pre>
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
      <List facts={removed} sign="−" name="Gone" />
    </div>
  )
}
