/**
 * The program: agents, kinds and intents as a graph, with live counts; the job's input, its budget and who paid, its
 * invariants, its intents and its diagnostics.
 *
 * The layout engine is loaded when this view is first opened.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, ofJob, queryOf } from "./api.ts"
import { number } from "./format.ts"
import { poll } from "./browser.ts"
import { sinceBegin } from "./clock.ts"
import { BudgetPanel, Diagnostics } from "./Budgets.tsx"
import { Intents } from "./Intents.tsx"
import { Invariants } from "./Invariants.tsx"
import { type Counts, counts as known } from "./counts.ts"
import { at, graph, input, isOver, job, jobId, lacksProgram, mostParts } from "./jobStore.ts"
import { useGradually, useKept } from "./gradual.ts"
import type { Laid } from "./graphPlaces.ts"
import { layout } from "./layout.ts"
import { Empty, Panel, Said } from "./parts.tsx"
import { replayed as past } from "./past.ts"
import { ProgramGraph } from "./ProgramGraph.tsx"
import { recorded } from "./recorded.ts"
import { type Asked, askedIn, intentsOf, nodesOf } from "./programNodes.ts"
import type { Graph, Replayed, TimelinePage, Work } from "./shapes.ts"
import { Value } from "./ValueView.tsx"
import { useWork } from "./work.ts"

/** Names in a cell. An agent without any has a dash: a name may be empty, too, and then says so. */
const Names = ({ limit, names }: { readonly names: ReadonlyArray<string>; readonly limit: number }) =>
  names.length === 0 ? <>–</> : <Said text={names.join(", ")} limit={limit} />

const AgentRow = ({ agent, intents }: { readonly agent: Graph["agents"][number]; readonly intents: string }) => (
  <tr>
    <td>
      <b>
        <Said text={agent.name} limit={80} />
      </b>
    </td>
    <td>{agent.form}</td>
    <td class="num">{number(agent.tier)}</td>
    <td>{agent.each === null ? "–" : <Said text={agent.each} limit={60} />}</td>
    <td>
      <Names names={agent.reads} limit={200} />
    </td>
    <td>
      <Names names={agent.writes} limit={200} />
    </td>
    <td>
      <Names names={JSON.parse(intents) as ReadonlyArray<string>} limit={120} />
    </td>
  </tr>
)

/** Tuning: agents that are listed with one frame. */
const rowsOfFrame = 20

const Agents = ({ asked, found }: { readonly found: Graph; readonly asked: Asked }) => {
  const keep = useKept()
  const drawn = useGradually(found.agents.length, rowsOfFrame)
  return (
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
          {found.agents.slice(0, drawn).map((agent) => {
            const intents = JSON.stringify(intentsOf(agent, asked))
            return keep(agent.name, [agent, intents], () => (
              <AgentRow key={agent.name} agent={agent} intents={intents} />
            ))
          })}
        </tbody>
      </table>
    </div>
  )
}

/** Between two questions for the past of a job that runs: each replays its journal. */
const refreshMs = 5_000
/** Tuning: the server replays for a twentieth of the time at most, so a long journal is asked for seldom. */
const restsPerReplay = 20

/** The job as its journal has it, after the cycle that the page shows. Undefined where there is no journal. */
const useReplayed = () => {
  const present = useSignal<Replayed | undefined>(undefined)
  const id = jobId.value
  const isPast = at.value !== undefined
  useEffect(() => {
    if (id === undefined || isPast) return undefined
    let notBefore = 0
    return poll(refreshMs, async (abort) => {
      const known = present.value?.cycle
      const last = job.peek()?.cycle ?? 0
      if (known !== undefined && known >= last) return
      if (known !== undefined && !isOver.peek() && sinceBegin() < notBefore) return
      // A server without journals has no past, and says so by an empty timeline.
      const query = queryOf({ after: Math.max(0, last - 1), limit: 1 })
      const page = await ask<TimelinePage>(ofJob(id, `/timeline${query}`), { signal: abort })
      if (page?.ok !== true || page.value.cycles.length === 0) return
      const asked = sinceBegin()
      const path = ofJob(id, `/replay${queryOf({ valueLength: 1_000, limit: mostParts })}`)
      const answer = await ask<Replayed>(path, { signal: abort })
      notBefore = sinceBegin() + restsPerReplay * (sinceBegin() - asked)
      if (answer?.ok === true) present.value = answer.value
    })
  }, [id, isPast, isOver.value])
  return isPast ? past.value : present.value
}

/** The intents of the job and its other ends, from its journal, or from its result where there is no journal. */
const OfJob = ({ replayed }: { readonly replayed: Replayed | undefined }) => {
  const { value } = job
  const result = at.value === undefined ? value?.result : undefined
  const usage = (at.value === undefined ? value?.usage : undefined) ?? replayed?.usage
  const { diagnostics = [], omitted } = result ?? replayed ?? {}
  return (
    <>
      {usage === undefined || usage === null ? null : <BudgetPanel usage={usage} />}
      <Intents />
      {diagnostics.length === 0 ? null : <Diagnostics list={diagnostics} omitted={omitted?.diagnostics} />}
    </>
  )
}

const Input = () =>
  input.value === undefined ? null : (
    <Panel title="Input">
      <Value value={input.value} isMain />
    </Panel>
  )

/** Whether a journal has told which intents were asked for. */
const hasIntents = (work: Work | undefined): boolean =>
  Object.values(work?.agents ?? {}).some(({ intents }) => intents !== undefined)

/** The places of the graph. They are found anew when the job has a kind or an intent that it had not before. */
const useLaid = (found: Graph | undefined, asked: Asked, counts: Counts | undefined) => {
  const laid = useSignal<Laid | undefined>(undefined)
  const drawn = found === undefined || counts === undefined ? undefined : nodesOf(found, { asked, counts })
  const shape = JSON.stringify(drawn)
  useEffect(() => {
    if (drawn === undefined) return undefined
    let isWanted = true
    void layout(drawn).then((made) => {
      if (isWanted) laid.value = made
    })
    return () => (isWanted = false)
  }, [shape])
  return laid.value
}

/** Explains the marks of the graph that are there. */
const Legend = ({ laid: { nodes } }: { readonly laid: Laid }) => {
  const added = nodes.filter(({ isAdded }) => isAdded)
  return added.length === 0 ? null : (
    <p class="soft">
      Dashed: this job has {added.some(({ sort }) => sort === "kind") ? "facts of it" : "intents of it"}, and no agent
      declares it.
    </p>
  )
}

export const ProgramView = () => {
  const { value: found } = graph
  // Without an answer, the graph shows what the program declares.
  const counts = known.value === null ? {} : known.value
  const work = useWork(true)
  const replayed = useReplayed()
  const told = (at.value === undefined ? job.value?.result : undefined) ?? replayed
  const asked = askedIn(work, told?.intents ?? [])
  // The journal counts all of them.
  const hasMoreAsked = (told?.omitted?.intents ?? 0) > 0 && !hasIntents(work)
  const laid = useLaid(found, asked, counts)
  // How many wait of each kind is not known where the list leaves some out.
  const isWhole = replayed !== undefined && (replayed.omitted?.unanswered ?? 0) === 0
  const open = isWhole
    ? new Map([...Map.groupBy(replayed.unanswered, ({ kind }) => kind)].map(([kind, list]) => [kind, list.length]))
    : undefined
  if (jobId.value === undefined) return null
  return (
    <>
      {lacksProgram.value ? (
        <Empty>
          {recorded === undefined
            ? "This server does not serve the program, so it has no graph: what is below comes from the journal of the job."
            : "The record was made without the program, so it has no graph: what is below comes from the journal of the job."}
        </Empty>
      ) : null}
      {laid !== undefined || found === undefined ? null : (
        <div class="lateShown">
          <Empty>The graph is laid out…</Empty>
        </div>
      )}
      {laid === undefined || found === undefined ? null : (
        <Panel
          title="Graph"
          note={
            at.value === undefined
              ? "kinds with their facts, agents with their tasks, intents with how often they were asked for"
              : `as of cycle ${number(at.value)}`
          }
        >
          <ProgramGraph
            found={found}
            laid={laid}
            counts={counts ?? {}}
            work={work}
            asked={asked}
            hasMoreAsked={hasMoreAsked}
            open={open}
          />
          <Legend laid={laid} />
        </Panel>
      )}
      {found === undefined ? null : (
        <Panel title="Agents" note={number(found.agents.length)}>
          <Agents found={found} asked={asked} />
        </Panel>
      )}
      {found === undefined || found.signals.length === 0 ? null : (
        <p class="soft">
          From outside it takes: <Said text={found.signals.join(", ")} limit={400} />
        </p>
      )}
      {found === undefined || found.invariants.length === 0 ? null : <Invariants list={found.invariants} />}
      <OfJob replayed={replayed} />
      <Input />
    </>
  )
}
