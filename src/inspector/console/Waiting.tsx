/** The approvals that wait for a human, each with its question, its data and its answers. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { maySteer } from "./access.ts"
import type { Problem } from "./api.ts"
import { type Approval, approvals, decide, type Decision, fetchApprovals, wholeData } from "./approvals.ts"
import { ago } from "./format.ts"
import { Confirm, Fault, Said } from "./parts.tsx"
import { now, poll } from "./browser.ts"
import { recorded } from "./recorded.ts"
import { hrefOf } from "./route.ts"
import { Value } from "./ValueView.tsx"

const refreshMs = 2_000
/** Tuning: a longer question may be scrolled. */
const longQuestion = 200

interface Props {
  readonly approval: Approval
  /** Whether the job is named, since the page shows several. */
  readonly isNamed: boolean
}

const Asked = ({ approval: { id, jobId, program, question, since, timeoutMs }, isNamed }: Props) => (
  <header>
    <h3 tabIndex={(question ?? id).length > longQuestion ? 0 : undefined}>
      <Said text={question ?? id} limit={2_000} hasLines />
    </h3>
    <small>
      {isNamed ? (
        <a href={hrefOf({ page: "job", id: jobId, view: "overview", query: {} })}>
          <Said text={program} limit={80} /> · <Said text={jobId} limit={80} />
        </a>
      ) : (
        <Said text={id} limit={120} />
      )}{" "}
      · asked {ago(since, now.value)}
      {timeoutMs === null ? null : ` · until ${new Date(since + timeoutMs).toLocaleString()}`}
    </small>
  </header>
)

const Question = ({ approval, isNamed }: Props) => {
  const { data, id, length, question } = approval
  const note = useSignal("")
  const asked = useSignal<Decision | undefined>(undefined)
  const isBusy = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const answer = async (decision: Decision): Promise<void> => {
    asked.value = undefined
    isBusy.value = true
    problem.value = await decide(approval, decision, note.value)
    isBusy.value = false
  }
  return (
    <article class="approval">
      <Asked approval={approval} isNamed={isNamed} />
      {data === null || data === undefined ? null : (
        <Value value={data} label="data of the question" length={length} whole={wholeData(approval)} />
      )}
      {maySteer.value ? (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void answer("approve")
          }}
        >
          <label>
            Note{" "}
            <input
              value={note.value}
              maxLength={2_000}
              onInput={({ currentTarget }) => (note.value = currentTarget.value)}
            />
          </label>
          <button type="submit" class="primary" disabled={isBusy.value}>
            Approve
          </button>
          <button type="button" disabled={isBusy.value} onClick={() => (asked.value = "reject")}>
            Reject…
          </button>
        </form>
      ) : (
        <small>
          {recorded === undefined
            ? "Your token may look at jobs, and not answer."
            : "It waited when the job was recorded."}
        </small>
      )}
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
      {asked.value === undefined ? null : (
        <Confirm
          title="Reject this?"
          act="Reject"
          onNo={() => (asked.value = undefined)}
          onYes={() => void answer("reject")}
        >
          <p>
            <Said text={question ?? id} limit={2_000} />
          </p>
          <p>The job goes on with your refusal. It cannot be taken back.</p>
        </Confirm>
      )}
    </article>
  )
}

/** Without a job, the oldest questions of all jobs. */
export const Waiting = ({ jobId }: { readonly jobId?: string }) => {
  useEffect(() => poll(refreshMs, (abort) => fetchApprovals(jobId, abort)), [jobId])
  const open = approvals.value.filter((approval) => jobId === undefined || approval.jobId === jobId)
  if (open.length === 0) return null
  return (
    <section class="waiting" aria-label="Waiting for a decision">
      <h2>
        Waiting for you <small>{open.length === 1 ? "one question" : `${open.length} questions`}</small>
      </h2>
      {open.map((approval) => (
        <Question key={`${approval.jobId}\n${approval.id}`} approval={approval} isNamed={jobId === undefined} />
      ))}
    </section>
  )
}
