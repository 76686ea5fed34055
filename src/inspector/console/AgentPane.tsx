/** The chosen agent of a program: what it reads and writes, what it does at present, and what it has done. */
import { waitReasons } from "../../outcome/presentLine.ts"
import type { AgentNow } from "./agentWork.ts"
import { number, plural, span } from "./format.ts"
import { FactLink, KindLink } from "./links.tsx"
import { Line, Said } from "./parts.tsx"
import { hrefOf, route } from "./route.ts"
import type { Graph } from "./shapes.ts"

type Agent = Graph["agents"][number]

/** Tuning: tasks that are named. The timeline has all of them. */
const namedTasks = 8

const Kinds = ({ names }: { readonly names: ReadonlyArray<string> }) =>
  names.length === 0 ? (
    <>–</>
  ) : (
    <ul class="kindLinks">
      {names.map((name) => (
        <li key={name}>
          <KindLink kind={name} />
        </li>
      ))}
    </ul>
  )

const Running = ({ running }: Pick<AgentNow, "running">) => (
  <ul class="tasksNow" aria-label="Its tasks that run">
    {running.slice(0, namedTasks).map(({ attempt, each, ms, part, worker }) => (
      <li key={JSON.stringify([each?.kind, each?.id, part])}>
        {each === null ? "its task" : <FactLink fact={each} />} runs {span(ms)} on{" "}
        {worker === 0 ? "the main thread" : `worker ${worker}`}
        {attempt > 1 ? `, attempt ${attempt}` : ""}
      </li>
    ))}
    {running.length > namedTasks ? <li>and {number(running.length - namedTasks)} more</li> : null}
  </ul>
)

const Waiting = ({ waiting }: Pick<AgentNow, "waiting">) => (
  <ul class="tasksNow" aria-label="Its tasks that wait">
    {waiting.slice(0, namedTasks).map(({ each, for: reason, part }) => (
      <li key={JSON.stringify([each?.kind, each?.id, part])}>
        {each === null ? "its task" : <FactLink fact={each} />} waits for {waitReasons[reason]}
      </li>
    ))}
    {waiting.length > namedTasks ? <li>and {number(waiting.length - namedTasks)} more</li> : null}
  </ul>
)

/** How many tasks of an agent run at a time, and how soon one after the other. */
const limitWords = ({ gapMs, isPerKey, limit }: NonNullable<Agent["concurrency"]>): string =>
  [
    limit === null ? "any number of tasks" : `at most ${plural(limit, "task")}`,
    ...(gapMs === 0 ? [] : [`${span(gapMs)} apart`]),
    isPerKey ? "of each key" : "in all jobs together"
  ].join(", ")

/** The view that says more of its tasks. */
const MoreLink = () => {
  const { value } = route
  if (value.page !== "job") return null
  const to = {
    ...value,
    view: "timeline",
    query: value.query["at"] === undefined ? {} : { at: value.query["at"] }
  } as const
  return <a href={hrefOf(to)}>when tasks ran</a>
}

export const AgentPane = ({
  agent: { concurrency, each, form, name, reads, tier, writes },
  intents,
  now,
  onClose
}: {
  readonly agent: Agent
  /** The kinds of intents that it declares, or asked for. */
  readonly intents: ReadonlyArray<string>
  readonly now: AgentNow | undefined
  readonly onClose: () => void
}) => (
  <section class="agentPane" aria-label="the chosen agent">
    <h3>
      <Said text={name} limit={120} />{" "}
      <button type="button" class="quiet" onClick={onClose}>
        close
      </button>
    </h3>
    <dl class="lines">
      <Line name="form">
        {form}, tier {number(tier)}
      </Line>
      {concurrency === undefined ? null : <Line name="at a time">{limitWords(concurrency)}</Line>}
      {each === null ? null : (
        <Line name="for each">
          <KindLink kind={each} />
        </Line>
      )}
      <Line name="reads">
        <Kinds names={reads} />
      </Line>
      <Line name="writes">
        <Kinds names={writes} />
      </Line>
      {intents.length === 0 ? null : (
        <Line name="intents">
          <Said text={intents.join(", ")} limit={300} />
        </Line>
      )}
      {now?.done === undefined ? null : (
        <Line name="committed">
          {plural(now.done.tasks, "task")}
          {now.done.discarded === 0 ? "" : `, ${number(now.done.discarded)} of them without effect`} · <MoreLink />
        </Line>
      )}
    </dl>
    {now === undefined || now.running.length === 0 ? null : <Running running={now.running} />}
    {now === undefined || now.waiting.length === 0 ? null : <Waiting waiting={now.waiting} />}
  </section>
)
