/**
 * One fact: its value, the history of its revisions, the task that added it, the facts it follows from and the facts that
 * follow from it. A changed value can start a fork.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, type Explanation, type Fact, type FactRef, ofJob, type Problem, queryOf } from "./api.ts"
import { maySteer } from "./access.ts"
import { Conflicts } from "./Conflicts.tsx"
import { Derivation } from "./Derivation.tsx"
import { nameParts } from "./factNames.ts"
import { ForkForm } from "./ForkForm.tsx"
import { json, number, plural } from "./format.ts"
import { at } from "./jobStore.ts"
import { CycleLink, FactLink } from "./links.tsx"
import { Fault, Said } from "./parts.tsx"
import type { History, Lineage } from "./shapes.ts"

interface Read {
  readonly explanation: Explanation | undefined
  readonly lineage: Lineage | undefined
  readonly without: Lineage | undefined
  readonly history: ReadonlyArray<Fact>
  readonly problem: Problem | undefined
}

const nothing: Read = {
  explanation: undefined,
  lineage: undefined,
  without: undefined,
  history: [],
  problem: undefined
}

const useFact = (jobId: string, { id, kind }: FactRef) => {
  const read = useSignal<Read>(nothing)
  const cycle = at.value
  useEffect(() => {
    const abort = new AbortController()
    const get = <A,>(path: string, more: Readonly<Record<string, string>> = {}) =>
      ask<A>(ofJob(jobId, `/${path}${queryOf({ ...nameParts({ kind, id }), at: cycle, ...more })}`), {
        signal: abort.signal
      })
    void Promise.all([
      get<Explanation>("explain"),
      get<Lineage>("lineage"),
      get<Lineage>("lineage", { without: "true" }),
      get<History>("history")
    ]).then(([explanation, lineage, without, history]) => {
      if (abort.signal.aborted) return
      read.value = {
        explanation: explanation?.ok === true ? explanation.value : undefined,
        lineage: lineage?.ok === true ? lineage.value : undefined,
        without: without?.ok === true ? without.value : undefined,
        history: history?.ok === true ? history.value.revisions : [],
        problem: explanation?.ok === false ? explanation.problem : undefined
      }
    })
    return () => abort.abort()
  }, [jobId, kind, id, cycle])
  return read
}

const From = ({ explanation }: { readonly explanation: Explanation }) => {
  const [node] = explanation.nodes
  if (node === undefined) return null
  const { provenance, trace } = node
  const { agent, cycle, each, origin, version } = provenance
  return (
    <dl class="lines">
      <div>
        <dt>added by</dt>
        <dd>
          {agent === "" ? (
            origin
          ) : (
            <b>
              <Said text={agent} limit={80} />
            </b>
          )}{" "}
          in <CycleLink cycle={cycle} />
          {each === undefined ? null : (
            <>
              {" "}
              on <FactLink fact={each} />
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>version</dt>
        <dd>{number(version)}</dd>
      </div>
      {trace === null || trace === undefined ? null : (
        <div>
          <dt>trace</dt>
          <dd>
            <pre tabIndex={0}>{json(trace, 10_000)}</pre>
          </dd>
        </div>
      )}
    </dl>
  )
}

const Revisions = ({ list }: { readonly list: ReadonlyArray<Fact> }) =>
  list.length < 2 ? null : (
    <section>
      <h3>
        Revisions <small>{number(list.length)}</small>
      </h3>
      <ol class="values" tabIndex={0}>
        {list.map(({ provenance, value }) => (
          <li key={provenance.version}>
            <small>
              <CycleLink cycle={provenance.cycle} /> · <Said text={provenance.agent || provenance.origin} limit={60} />
            </small>
            <pre>{json(value, 2_000)}</pre>
          </li>
        ))}
      </ol>
    </section>
  )

export const FactPane = ({ fact, jobId }: { readonly jobId: string; readonly fact: FactRef }) => {
  const read = useFact(jobId, fact)
  const { explanation, history, lineage, problem, without } = read.value
  const node = explanation?.nodes[0]
  return (
    <section class="pane" aria-label="the chosen fact">
      <h2>
        <b>
          <Said text={fact.kind} limit={60} />
        </b>
        /<Said text={fact.id} limit={400} />
      </h2>
      {problem === undefined ? null : <Fault problem={problem} />}
      {node === undefined ? null : (
        <pre class="value" tabIndex={0}>
          {json(node.value, 50_000)}
        </pre>
      )}
      {explanation === undefined ? null : <From explanation={explanation} />}
      {explanation === undefined ? null : (
        <Derivation explanation={explanation} follows={lineage?.facts ?? []} followed={lineage?.count ?? 0} />
      )}
      {without !== undefined && without.count > 0 ? (
        <p class="soft">Without this fact, {plural(without.count, "fact")} would have no derivation left.</p>
      ) : null}
      <Revisions list={history} />
      <Conflicts fact={fact} />
      {node === undefined || !maySteer.value ? null : <ForkForm jobId={jobId} fact={fact} value={node.value} />}
    </section>
  )
}
