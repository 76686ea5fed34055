/**
 * The words below the picture of a timeline: agents with their colours, what became of tasks, how busy lanes were, when the job
 * rested, and the tasks that took longest. They tell of what is in view. Boundary: views of a timeline.
 */
import { type Signal } from "@preact/signals"
import type { Palette } from "./colours.ts"
import { number, plural, span, time } from "./format.ts"
import { CycleLink, FactLink } from "./links.tsx"
import { Said, visible } from "./parts.tsx"
import type { Window } from "./timelineDrawing.ts"
import { busyPart, longest, type Outcome, tallyOf, type Timeline } from "./timelineModel.ts"
import { reasonOf, restMs, restSpan } from "./timelineRests.ts"

const Swatch = ({ agent, palette }: { readonly agent: string; readonly palette: Palette }) => (
  <i
    class="swatch"
    style={{ background: `light-dark(${palette(agent, false)}, ${palette(agent, true)})` }}
    aria-hidden="true"
  />
)

interface LongestProps {
  readonly timeline: Timeline
  readonly palette: Palette
  readonly until: number | undefined
  /** The time to which unfinished tasks have run. */
  readonly now: number
  /** Whether the timeline is a part, because the picture is enlarged. */
  readonly isPart: boolean
}

/** The words about a part of the picture, where it is enlarged. */
const inView = (isPart: boolean): string => (isPart ? " in view" : "")

export const Longest = ({ isPart, now, palette, timeline, until }: LongestProps) => {
  const bars = longest(timeline, 10, now, until)
  if (bars.length === 0) return null
  return (
    <table class="longest">
      <caption>
        The longest tasks{inView(isPart)}
        {until === undefined ? (isPart ? "" : " here") : ` up to cycle ${number(until)}`}
      </caption>
      <thead>
        <tr>
          <th>agent</th>
          <th>about</th>
          <th>on</th>
          <th class="num">cycle</th>
          <th class="num">took</th>
          <th>note</th>
        </tr>
      </thead>
      <tbody>
        {bars.map(({ agent, attempts, cycle, discarded, each, from, key, lane, ms, outcome, queued, to }) => (
          <tr key={key}>
            <td>
              <Swatch agent={agent} palette={palette} /> <Said text={agent} limit={60} />
            </td>
            <td>{each === undefined ? "" : <FactLink fact={each} />}</td>
            <td>
              <Said text={lane} limit={60} />
            </td>
            <td class="num">{number(cycle)}</td>
            <td class="num">
              {span(ms)}
              {to === undefined ? " so far" : ""}
            </td>
            <td>
              {outcome === "killed" ? "killed " : ""}
              {discarded === undefined ? "" : <code class="badText">{discarded}</code>}
              {attempts > 1 ? ` ${attempts} attempts` : ""}
              {queued === undefined || from - queued < 1 ? "" : ` waited ${span(from - queued)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Tuning: rests that are listed. */
const listedRests = 10

interface RestsProps {
  readonly timeline: Timeline
  readonly now: number
  readonly until: number | undefined
  readonly isPart: boolean
  /** Moves the picture to a time. */
  readonly onShow: (ms: number) => void
}

/** The times in which the job did not run: the longest, in the order of time. */
export const Rests = ({ isPart, now, onShow, timeline, until = Infinity }: RestsProps) => {
  const rests = timeline.rests.filter(({ cycle }) => cycle < until)
  if (rests.length === 0) return null
  const whole = rests.reduce((sum, rest) => sum + restMs(rest, now), 0)
  const listed = new Set(rests.toSorted((a, b) => restMs(b, now) - restMs(a, now)).slice(0, listedRests))
  return (
    <section class="rests" aria-labelledby="rests">
      <h2 id="rests">
        {listed.size < rests.length ? `The ${listed.size} longest of ${number(rests.length)} rests` : "Rests"}
        {inView(isPart)}
        <span class="soft"> {span(whole)} in all</span>
      </h2>
      <ul>
        {rests
          .filter((rest) => listed.has(rest))
          .map((rest) => (
            <li key={rest.key}>
              <b>{restSpan(rest, now)}</b>: {reasonOf(rest)}
              <span class="soft">
                {" "}
                {rest.cycle === 0 ? (
                  "from the start"
                ) : (
                  <>
                    after <CycleLink cycle={rest.cycle} />
                  </>
                )}
                , {time(rest.from)}
              </span>{" "}
              <button type="button" class="fold" onClick={() => onShow(rest.to ?? rest.from)}>
                show {rest.to === undefined ? "its beginning" : "its end"}
              </button>
            </li>
          ))}
      </ul>
    </section>
  )
}

export const names: Readonly<Record<Outcome, string>> = {
  queued: "waits",
  running: "runs",
  done: "done",
  retried: "done after another attempt",
  discarded: "no effect: discarded",
  killed: "no effect: stopped"
}

interface LegendProps {
  readonly timeline: Timeline
  readonly isPart: boolean
}

/** How bars look, and how many of each sort are in view. */
export const Legend = ({ isPart, timeline }: LegendProps) => (
  <ul class="legend" aria-label={`Tasks${inView(isPart)} by what became of them`}>
    {tallyOf(timeline).map(([outcome, count]) => (
      <li key={outcome} data-outcome={outcome}>
        <i class={`sample ${outcome}`} aria-hidden="true" />
        {names[outcome]} <b>{number(count)}</b>
      </li>
    ))}
    {isPart ? <li>in view:</li> : null}
    {timeline.commits.length === 0 ? null : (
      <li data-outcome="committed">
        <i class="sample commit" aria-hidden="true" />
        merged and committed <b>{plural(timeline.commits.length, "cycle")}</b>
      </li>
    )}
    {timeline.rests.length === 0 ? null : (
      <li data-outcome="rested">
        <i class="sample rest" aria-hidden="true" />
        rested, or no record <b>{plural(timeline.rests.length, "time")}</b>
      </li>
    )}
  </ul>
)

/** Tuning: agents that the list of colours has room for. */
const namedAgents = 24

interface AgentsProps {
  readonly agents: ReadonlyArray<string>
  readonly palette: Palette
  readonly lanes: Timeline["lanes"]
  readonly folded: Signal<ReadonlySet<string>>
}

/** Folds the lanes of an agent to one, or unfolds them. */
const Fold = ({ agent, folded }: { readonly agent: string; readonly folded: AgentsProps["folded"] }) => {
  const isFolded = folded.value.has(agent)
  return (
    <button
      type="button"
      class="fold"
      aria-expanded={!isFolded}
      aria-label={`${isFolded ? "unfold" : "fold"} the lanes of ${visible(agent, 60)}`}
      onClick={() => {
        const next = new Set(folded.value)
        if (isFolded) next.delete(agent)
        else next.add(agent)
        folded.value = next
      }}
    >
      {isFolded ? "unfold" : "fold"}
    </button>
  )
}

/** The agents with their colours. One that has several lanes can have them folded. */
export const Agents = ({ agents, folded, lanes, palette }: AgentsProps) => {
  const counts = new Map<string, number>()
  for (const { agent } of lanes) if (agent !== undefined) counts.set(agent, (counts.get(agent) ?? 0) + 1)
  return agents.length === 0 ? null : (
    <ul class="agents" aria-label="Agents by colour">
      {agents.slice(0, namedAgents).map((agent) => (
        <li key={agent}>
          <Swatch agent={agent} palette={palette} /> <Said text={agent} limit={60} />{" "}
          {(counts.get(agent) ?? 0) > 1 || folded.value.has(agent) ? <Fold agent={agent} folded={folded} /> : null}
        </li>
      ))}
      {agents.length > namedAgents ? <li>and {number(agents.length - namedAgents)} more</li> : null}
    </ul>
  )
}

/** Tuning: lanes whose busy part is said. */
const saidLanes = 24

interface LanesProps {
  readonly timeline: Timeline
  readonly shown: Window
  readonly isPart: boolean
}

export const Lanes = ({ isPart, shown, timeline }: LanesProps) => (
  <p class="soft">
    {timeline.lanes
      .filter(({ isOfThread }) => isOfThread)
      .slice(0, saidLanes)
      .map((lane, index) => (
        <span key={index}>
          {index === 0 ? `Busy${inView(isPart)}: ` : ", "}
          <Said text={lane.name} limit={60} />{" "}
          {lane.bars.length === 0 && !isPart
            ? "idle for this job"
            : `${Math.round(100 * busyPart(lane, shown.from, shown.to, timeline.rests))} %`}
        </span>
      ))}
    {timeline.rests.length === 0 ? "" : ". Rests are left out."}
  </p>
)
