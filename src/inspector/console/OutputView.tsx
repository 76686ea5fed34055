/** What tasks report while they run, such as the text of a model as it streams, and the output and the intents of the job. */
import { useEffect } from "preact/hooks"
import { json, number, plural } from "./format.ts"
import { Intents } from "./Intents.tsx"
import { isOver, job } from "./jobStore.ts"
import { FactLink } from "./links.tsx"
import { Empty, Panel, Said } from "./parts.tsx"
import { drawn, missed, needTelemetry, type Report, reports } from "./telemetry.ts"

/** Pieces of text follow one another; of other values the newest is shown. */
const bodyOf = ({ values }: Report): string => {
  const texts = values.flatMap((value) => (typeof value === "string" ? value : isDelta(value) ? value.delta : []))
  if (texts.length === values.length) return texts.join("")
  return json(values.at(-1), 20_000)
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
      </small>
    </header>
    <pre tabIndex={0}>{bodyOf(report)}</pre>
  </article>
)

export const OutputView = () => {
  const isLive = job.value !== undefined && !isOver.value
  useEffect(() => (isLive ? needTelemetry() : undefined), [isLive])
  void drawn.value
  const result = job.value?.result
  const list = [...reports.values()].reverse()
  return (
    <div class="output">
      {missed.value === 0 ? null : (
        <p class="soft">
          {missed.value < 0 ? "Some reports" : plural(missed.value, "report")} came faster than they could be sent, and
          are missing.
        </p>
      )}
      {list.map((report) => (
        <Reported key={report.key} report={report} />
      ))}
      {result === null || result === undefined ? null : (
        <>
          <Panel title="Output">
            <pre tabIndex={0}>{json(result.output, 200_000)}</pre>
          </Panel>
          {result.intents.length === 0 ? null : <Intents list={result.intents} />}
        </>
      )}
      {list.length === 0 && (result === null || result === undefined) ? (
        <Empty>
          No task has reported anything since this view was opened. Agents report with <code>view.progress</code>.
        </Empty>
      ) : null}
    </div>
  )
}
