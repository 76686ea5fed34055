/**
 * The program: kinds and agents as a graph of reads and writes, with live counts; the job's input, its budget and who paid, its
 * invariants, its intents and its diagnostics.
 *
 * The layout engine is loaded when this view is first opened. Without it, the table below says the same.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, ofJob, queryOf } from "./api.ts"
import { number } from "./format.ts"
import { poll } from "./browser.ts"
import { BudgetPanel, Diagnostics } from "./Budgets.tsx"
import { Intents } from "./Intents.tsx"
import { Invariants } from "./Invariants.tsx"
import { at, graph, input, isOver, job, jobId } from "./jobStore.ts"
import type { Laid } from "./graphPlaces.ts"
import { layout } from "./layout.ts"
import { Empty, Panel, Said } from "./parts.tsx"
import { ProgramGraph } from "./ProgramGraph.tsx"
import type { Graph, Replayed, TimelinePage } from "./shapes.ts"
import { Value } from "./ValueView.tsx"

const Agents = ({ found }: { readonly found: Graph }) => (
  <div class="wide" tabIndex={0} role="region" aria-label="Agents">
    <table>
      <thead>
        <tr>
          <th>agent</th>
          <th>form</th>
          <th class="num">tier</th>
          <th>for each</th>
          <th>reads</th>
          <th>writes</th>
          <th>intents</th>
        </tr>
      </thead>
      <tbody>
        {found.agents.map(({ each, form, intents, name, reads, tier, writes }) => (
          <tr key={name}>
            <td>
              <b>
                <Said text={name} limit={80} />
              </b>
            </td>
            <td>{form}</td>
            <td class="num">{number(tier)}</td>
            <td>{each === null ? "" : <Said text={each} limit={60} />}</td>
            <td>
              <Said text={reads.join(", ")} limit={200} />
            </td>
            <td>
              <Said text={writes.join(", ")} limit={200} />
            </td>
            <td>
              <Said text={intents.join(", ") || "–"} limit={120} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

/** Between two questions for the past of a job that runs: each replays its journal. */
const refreshMs = 5_000

/** The job as its journal has it, after the cycle that the page shows. Undefined where there is no journal. */
const useReplayed = () => {
  const replayed = useSignal<Replayed | undefined>(undefined)
  const id = jobId.value
  const cycle = at.value
  useEffect(() => {
    replayed.value = undefined
    if (id === undefined) return undefined
    return poll(refreshMs, async (abort) => {
      const known = replayed.value?.cycle
      const last = job.peek()?.cycle ?? 0
      if (known !== undefined && (cycle !== undefined || known >= last)) return
      // A server without journals has no past, and says so by an empty timeline.
      const query = queryOf({ after: Math.max(0, last - 1), limit: 1 })
      const page = await ask<TimelinePage>(ofJob(id, `/timeline${query}`), { signal: abort })
      if (page?.ok !== true || page.value.cycles.length === 0) return
      const answer = await ask<Replayed>(ofJob(id, `/replay${queryOf({ at: cycle, valueLength: 1_000 })}`), {
        signal: abort
      })
      if (answer?.ok === true) replayed.value = answer.value
    })
  }, [id, cycle, isOver.value])
  return replayed.value
}

/** What the journal says of the job, or its result where there is no journal. */
const OfJob = () => {
  const replayed = useReplayed()
  const { value } = job
  const result = at.value === undefined ? value?.result : undefined
  const usage = (at.value === undefined ? value?.usage : undefined) ?? replayed?.usage
  const diagnostics = result?.diagnostics ?? replayed?.diagnostics ?? []
  return (
    <>
      {usage === undefined || usage === null ? null : <BudgetPanel usage={usage} />}
      <Intents />
      {diagnostics.length === 0 ? null : <Diagnostics list={diagnostics} />}
    </>
  )
}

const Input = () =>
  input.value === undefined ? null : (
    <Panel title="Input">
      <Value value={input.value} isMain />
    </Panel>
  )

export const ProgramView = () => {
  const id = jobId.value
  const { value: found } = graph
  const laid = useSignal<Laid | undefined>(undefined)
  const counts = useSignal<Readonly<Record<string, number>>>({})
  const version = job.value?.version
  const cycle = at.value
  useEffect(() => {
    if (found !== undefined) void layout(found).then((made) => (laid.value = made))
  }, [found])
  useEffect(() => {
    if (id === undefined) return
    void ask<{ readonly kinds: Readonly<Record<string, number>> }>(ofJob(id, `/kinds${queryOf({ at: cycle })}`)).then(
      (answer) => {
        if (answer?.ok === true) counts.value = answer.value.kinds
      }
    )
  }, [id, version, cycle])
  if (id === undefined) return null
  return (
    <>
      {found === undefined ? (
        <Empty>This server does not serve the program, so only its journal can be shown.</Empty>
      ) : null}
      {laid.value === undefined || found === undefined ? null : (
        <Panel
          title="Graph"
          note={
            at.value === undefined
              ? "kinds with their facts, agents with their tasks"
              : `as of cycle ${number(at.value)}`
          }
        >
          <ProgramGraph found={found} laid={laid.value} counts={counts.value} />
        </Panel>
      )}
      {found === undefined ? null : (
        <Panel title="Agents" note={number(found.agents.length)}>
          <Agents found={found} />
        </Panel>
      )}
      {found === undefined || found.signals.length === 0 ? null : (
        <p class="soft">
          From outside it takes: <Said text={found.signals.join(", ")} limit={400} />
        </p>
      )}
      {found === undefined || found.invariants.length === 0 ? null : <Invariants list={found.invariants} />}
      <OfJob />
      <Input />
    </>
  )
}
