/** The reports of running tasks, such as the text of a model as it streams, and the output and the intents of the job. */
import { useEffect } from "preact/hooks"
import { type Answer, ask, type Job, ofJob } from "./api.ts"
import { number, plural } from "./format.ts"
import { Intents } from "./Intents.tsx"
import { at, isOver, job, jobId, lacksProgram, tasks } from "./jobStore.ts"
import { FactLink } from "./links.tsx"
import { Empty, Panel, Said } from "./parts.tsx"
import { recorded } from "./recorded.ts"
import { drawn, isTakenUp, missed, needTelemetry, type Report, reports } from "./telemetry.ts"
import { joined } from "./text.ts"
import { Value } from "./ValueView.tsx"

/** Texts are joined; of other values the newest is shown. */
const bodyOf = ({ values }: Report): unknown => {
  const texts = values.flatMap((value) => (typeof value === "string" ? value : isDelta(value) ? value.delta : []))
  return texts.length === values.length ? joined(texts) : values.at(-1)
}

const isDelta = (value: unknown): value is { readonly delta: string } =>
  typeof value === "object" && value !== null && "delta" in value && typeof value.delta === "string"

const Reported = ({ report }: { readonly report: Report }) => (
  <article class={report.isOver ? "report" : "report live"}>
    <header>
      <b>
        <Said text={report.agent} limit={80} />
      </b>
      {report.each === undefined ? null : <FactLink fact={report.each} />}
      <small>
        cycle {number(report.cycle)}
        {report.attempt > 1 ? `, attempt ${report.attempt}` : ""} · {plural(report.count, "report")}
        {report.isLost ? " · cut off: the task had not ended, and began anew" : ""}
        {report.isAgain ? " · begun anew in another process" : ""}
      </small>
    </header>
    <Value value={bodyOf(report)} />
  </article>
)

/** The whole output, which the server cut. */
const wholeOutput = async (): Promise<Answer<unknown> | undefined> => {
  const id = jobId.peek()
  const answer = id === undefined ? undefined : await ask<Job>(ofJob(id))
  return answer?.ok === true ? { ok: true, value: answer.value.result?.output ?? null } : answer
}

const Missed = () => (
  <>
    {missed.value === 0 ? null : (
      <p class="soft">
        {plural(missed.value, "report")} came faster than they could be sent, and {missed.value === 1 ? "is" : "are"}{" "}
        missing.
      </p>
    )}
    {isTakenUp.value ? (
      <p class="soft">
        The job was taken up again by another process, such as after a restart of the server. Tasks that had not ended
        began anew, and reports that this page had not read by then are lost.
      </p>
    ) : null}
  </>
)

/** The output at a past cycle: reports that this page saw, and intents. */
const PastOutput = ({ cycle }: { readonly cycle: number }) => {
  const last = job.value?.cycle ?? cycle
  const list = [...reports.values()].reverse().filter((report) => report.cycle <= cycle)
  return (
    <div class="output">
      {list.map((report) => (
        <Reported key={report.key} report={report} />
      ))}
      <Intents />
      <Empty>
        {cycle < last
          ? `At cycle ${number(cycle)} there was no output yet: a job has one when it ends.`
          : "Go back to now to see the output of the job, if it has one."}
      </Empty>
    </div>
  )
}

export const OutputView = () => {
  const isLive = job.value !== undefined && !isOver.value
  // The server keeps what the last jobs with viewers have reported.
  const isTold = isLive || tasks.value?.telemetry === true
  useEffect(() => (isTold ? needTelemetry() : undefined), [isTold])
  void drawn.value
  if (at.value !== undefined) return <PastOutput cycle={at.value} />
  const result = job.value?.result
  const list = [...reports.values()].reverse()
  return (
    <div class="output">
      <Missed />
      {list.map((report) => (
        <Reported key={report.key} report={report} />
      ))}
      {result === null || result === undefined ? null : (
        <Panel title="Output">
          {result.output === null ? (
            <Empty>The job gave no output.</Empty>
          ) : (
            <Value value={result.output} length={result.outputLength} whole={wholeOutput} isMain />
          )}
        </Panel>
      )}
      {job.value === undefined ? null : <Intents />}
      {isOver.value && (result === null || result === undefined) ? (
        <Empty>
          {lacksProgram.value
            ? "The output is not known: the journal of the job cannot be read to its end."
            : "The server reads the journal of the job for its output."}
        </Empty>
      ) : list.length === 0 && (result === null || result === undefined) ? (
        <Empty>
          {recorded === undefined
            ? "No task has reported anything since this view was opened. "
            : "A record has no reports of tasks. "}
          Agents report with <code>view.progress</code>, and the output comes with the end of the job.
        </Empty>
      ) : null}
    </div>
  )
}
