/**
 * One fact: its value, the history of its revisions, the task that added it, the facts it follows from and the facts that
 * follow from it. A changed value can start a fork.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { type Answer, ask, type Explanation, type Fact, ofJob, type Problem, queryOf } from "./api.ts"
import { maySteer } from "./access.ts"
import { Conflicts } from "./Conflicts.tsx"
import { Derivation } from "./Derivation.tsx"
import { type Named, nameParts } from "./factNames.ts"
import { ForkForm } from "./ForkForm.tsx"
import { number } from "./format.ts"
import { poll } from "./browser.ts"
import { sinceBegin } from "./clock.ts"
import { at, isOver, job } from "./jobStore.ts"
import { CycleLink, FactLink } from "./links.tsx"
import { ClosePane, Fault, Said } from "./parts.tsx"
import { isPassing } from "./past.ts"
import { change } from "./route.ts"
import type { History, Lineage } from "./shapes.ts"
import { Value } from "./ValueView.tsx"
import { fetchVersion, wholeOf } from "./wholeFact.ts"

interface Read {
  /** The fact, once it is known. */
  readonly fact: Fact | undefined
  readonly explanation: Explanation | undefined
  readonly lineage: Lineage | undefined
  readonly without: Lineage | undefined
  readonly history: ReadonlyArray<Fact>
  /** Whether there are more revisions. */
  readonly hasMore: boolean
  readonly problem: Problem | undefined
}

const nothing: Read = {
  fact: undefined,
  explanation: undefined,
  lineage: undefined,
  without: undefined,
  history: [],
  hasMore: false,
  problem: undefined
}

/** Tuning: a value of so many characters comes by itself. A longer one comes when the viewer asks for it. */
const wholeLength = 200_000
/** Characters of the values around the fact. */
const nearLength = 1_000
/** The facts of a lineage that a drawing gets, without their values. */
const toDraw = { limit: 400, valueLength: 0 }

const valueOf = <A,>(answer: Answer<A> | undefined): A | undefined => (answer?.ok === true ? answer.value : undefined)

/** All that the pane shows. A fact whose id is too long for a request is named by a version: then its neighbours are left out. */
const readFact = async (
  jobId: string,
  { id, kind, version }: Named,
  cycle: number | undefined,
  abort: AbortSignal
): Promise<Read> => {
  const of = <A,>(path: string, more: Readonly<Record<string, string | number | undefined>>) =>
    ask<A>(ofJob(jobId, `/${path}${queryOf({ at: cycle, ...more })}`), { signal: abort })
  const cut = { valueLength: nearLength }
  if (id === undefined) {
    const [answer, explained] = await Promise.all([
      fetchVersion(jobId, kind, version ?? 0, { at: cycle, valueLength: wholeLength }, abort),
      cycle === undefined
        ? ask<Explanation>(ofJob(jobId, `/versions/${version}/explain${queryOf(cut)}`), { signal: abort })
        : undefined
    ])
    const problem = answer?.ok === false ? answer.problem : undefined
    return { ...nothing, fact: valueOf(answer), explanation: valueOf(explained), problem }
  }
  const ref = nameParts({ id, kind })
  const [explanation, lineage, without, history] = await Promise.all([
    of<Explanation>("explain", { ...ref, ...cut }),
    of<Lineage>("lineage", { ...ref, ...toDraw }),
    of<Lineage>("lineage", { ...ref, ...toDraw, without: "true" }),
    of<History>("history", { ...ref, ...cut })
  ])
  const node = valueOf(explanation)?.nodes[0]
  const isMiddling = node?.length !== undefined && node.length <= wholeLength
  const whole = isMiddling
    ? valueOf(await fetchVersion(jobId, kind, node.provenance.version, { at: cycle }, abort))
    : undefined
  const found = valueOf(history)
  return {
    fact: whole ?? node,
    explanation: valueOf(explanation),
    lineage: valueOf(lineage),
    without: valueOf(without),
    history: found?.revisions ?? [],
    hasMore: (found?.cursor ?? null) !== null,
    problem: explanation?.ok === false ? explanation.problem : undefined
  }
}

/** Tuning: milliseconds between two looks at a job that lives. */
const refreshMs = 2_000
/** Tuning: the pane reads for a twentieth of the time at most, so long derivations are read seldom. */
const restsPerRead = 20

/** A fact as the pane shows it, with the question that it answers. */
interface Answered {
  readonly of: string
  readonly read: Read
}

/**
 * Reads a fact, and reads it again once the job has committed more. While another cycle is on its way, the fact is still the one
 * of before (`isOlder`), so that a fork which is being written stays.
 */
const useFact = (jobId: string, named: Named): Read & { readonly isOlder: boolean } => {
  const answered = useSignal<Answered | undefined>(undefined)
  const cycle = at.value
  const of = JSON.stringify([jobId, named.kind, named.id, named.version, cycle])
  useEffect(() => {
    let readUntil: number | undefined
    let notBefore = 0
    return poll(refreshMs, async (abort) => {
      const last = job.peek()?.cycle ?? 0
      if (readUntil !== undefined) {
        // A past cycle changes no more, and neither does a version.
        if (cycle !== undefined || named.id === undefined || readUntil >= last) return
        if (!isOver.peek() && sinceBegin() < notBefore) return
      }
      const asked = sinceBegin()
      const read = await readFact(jobId, named, cycle, abort)
      notBefore = sinceBegin() + restsPerRead * (sinceBegin() - asked)
      if (abort.aborted) return
      const known = answered.peek()
      if (isPassing(read.problem) && known?.of === of) return
      if (!isPassing(read.problem)) readUntil = last
      // An equal answer changes nothing, so all that the viewer has unfolded stays.
      if (JSON.stringify(known) !== JSON.stringify({ of, read })) answered.value = { of, read }
    })
  }, [of])
  const { value } = answered
  return { ...(value?.read ?? nothing), isOlder: value !== undefined && value.of !== of }
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
            <Value value={trace} />
          </dd>
        </div>
      )}
    </dl>
  )
}

interface RevisionsProps {
  readonly jobId: string
  readonly list: ReadonlyArray<Fact>
  readonly hasMore: boolean
}

const Revisions = ({ hasMore, jobId, list }: RevisionsProps) =>
  list.length < 2 ? null : (
    <section>
      <h3>
        Revisions{" "}
        <small>
          {number(list.length)}
          {hasMore ? " and more" : ""}, oldest first
        </small>
      </h3>
      <ol class="values" tabIndex={0}>
        {list.map((fact) => (
          <li key={fact.provenance.version}>
            <small>
              <CycleLink cycle={fact.provenance.cycle} /> ·{" "}
              <Said text={fact.provenance.agent || fact.provenance.origin} limit={60} />
            </small>
            <Value value={fact.value} length={fact.length} whole={wholeOf(jobId, fact)} />
          </li>
        ))}
      </ol>
    </section>
  )

export const FactPane = ({ jobId, named }: { readonly jobId: string; readonly named: Named }) => {
  const { explanation, fact, hasMore, history, isOlder, lineage, problem, without } = useFact(jobId, named)
  const id = named.id ?? fact?.id
  return (
    <section class={isOlder ? "pane sheet older" : "pane sheet"} aria-label="the chosen fact" aria-busy={isOlder}>
      <header>
        <h2>
          <b>
            <Said text={named.kind} limit={60} />
          </b>
          /{id === undefined ? `version ${named.version}` : <Said text={id} limit={400} />}
        </h2>
        {isOlder ? (
          <small role="status">
            {at.value === undefined
              ? "loading the fact as it is now…"
              : `loading the fact of cycle ${number(at.value)}…`}
          </small>
        ) : null}
        <ClosePane name="Close the fact" of="factList" onClose={() => change({ of: "", fact: "", wide: "" })} />
      </header>
      {problem === undefined ? null : <Fault problem={problem} />}
      {fact === undefined ? null : (
        <Value
          key={fact.provenance.version}
          class="value"
          label="its value"
          value={fact.value}
          length={fact.length}
          whole={wholeOf(jobId, fact)}
          isMain
        />
      )}
      {explanation === undefined ? null : <From explanation={explanation} />}
      {named.id === undefined ? (
        <p class="soft">Its id is too long for a question, so only its value and its causes are shown.</p>
      ) : null}
      {explanation === undefined ? null : (
        <Derivation
          jobId={jobId}
          fact={named.id === undefined ? undefined : { kind: named.kind, id: named.id }}
          explanation={explanation}
          follows={lineage}
          needs={without}
        />
      )}
      <Revisions jobId={jobId} list={history} hasMore={hasMore} />
      {fact === undefined ? null : <Conflicts fact={fact} />}
      {fact === undefined || fact.length !== undefined || !maySteer.value ? null : (
        <ForkForm jobId={jobId} fact={fact} value={fact.value} />
      )}
    </section>
  )
}
