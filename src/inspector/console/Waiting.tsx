/** The approvals that wait for a human, each with its question, its data and its answers. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { maySteer, tokenName } from "./access.ts"
import type { Problem } from "./api.ts"
import {
  type Approval,
  approvals,
  close,
  counted,
  decide,
  type Decision,
  dismiss,
  fetchApprovals,
  type Gone,
  gone,
  hold,
  keepNote,
  keyOf,
  late,
  type Late,
  myName,
  next,
  noteOf,
  previous,
  turnTo,
  wholeData
} from "./approvals.ts"
import { ago, number, plural } from "./format.ts"
import { Confirm, Fault, Said, visible } from "./parts.tsx"
import { now, poll } from "./browser.ts"
import { recorded } from "./recorded.ts"
import { hrefOf, type View } from "./route.ts"
import { Value } from "./ValueView.tsx"

const refreshMs = 2_000
/** Tuning: a longer question may be scrolled. */
const longQuestion = 200

interface Props {
  readonly approval: Approval
  /** Whether the job is named, since the page shows several. */
  readonly isNamed: boolean
  /** Whether only the headline is shown. Undefined: it cannot be folded. */
  readonly isFolded?: boolean | undefined
  readonly onFold?: () => void
  /** The question is no longer open, and its card stays until it is closed. */
  readonly gone?: Gone | undefined
}

/** The headline of a question among several: the whole of it unfolds. */
const Folding = ({ approval: { id, question }, isFolded, onFold }: Props) => (
  <h3>
    <button type="button" class="foldable" aria-expanded={isFolded !== true} onClick={onFold}>
      <Said text={question ?? id} limit={isFolded === true ? 160 : 2_000} hasLines={isFolded !== true} />
    </button>
  </h3>
)

/** Why the viewer may not answer; nothing before the server has said what the token allows. */
const mayNot = (): string =>
  tokenName.value === undefined
    ? ""
    : `Your token ${visible(tokenName.value, 60)} lets you look at jobs, but not answer their questions. Use another token to answer.`

/** The decider's name: that of the token, or on a server without tokens one that the viewer may give. It is remembered. */
const Decider = () =>
  tokenName.value === undefined ? (
    <label class="decider">
      Your name{" "}
      <input
        value={myName.value}
        maxLength={200}
        autocomplete="name"
        placeholder="anybody"
        onInput={({ currentTarget }) => (myName.value = currentTarget.value)}
      />
    </label>
  ) : (
    <span class="decider">
      as{" "}
      <b>
        <Said text={tokenName.value} limit={60} />
      </b>
    </span>
  )

const Title = (props: Props) => {
  const { approval, isFolded } = props
  const text = approval.question ?? approval.id
  if (isFolded !== undefined) return <Folding {...props} />
  return (
    <h3 tabIndex={text.length > longQuestion ? 0 : undefined}>
      <Said text={text} limit={2_000} hasLines />
    </h3>
  )
}

const Asked = ({ approval: { id, jobId, program, since, timeoutMs }, isNamed }: Props) => (
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
)

interface RefusalProps {
  readonly text: string
  readonly onNo: () => void
  readonly onYes: () => void
}

/** Asks before a question is answered with no. */
const Refusal = ({ onNo, onYes, text }: RefusalProps) => (
  <Confirm title="Reject this?" act="Reject" keep="Keep it open" onNo={onNo} onYes={onYes}>
    <p>
      <Said text={text} limit={2_000} />
    </p>
    <p>The job goes on with your rejection. You cannot take it back.</p>
  </Confirm>
)

/** In place of the buttons of a question that is no longer open: what became of it, and the way to close its card. */
const Closing = ({ gone: { approval, became } }: { readonly gone: Gone }) => (
  <div class="late">
    <p role="status">
      {noteOf(approval) === "" ? null : <span>Your note was not sent. </span>}
      {became === undefined ? "This question has gone…" : <Became problem={became} />}
    </p>
    <button type="button" onClick={() => close(approval)}>
      Close
    </button>
  </div>
)

const Deciding = ({ isBusy, onReject }: { readonly isBusy: boolean; readonly onReject: () => void }) => (
  <>
    <button type="submit" class="primary" aria-disabled={isBusy}>
      Approve
    </button>
    <button type="button" aria-disabled={isBusy} onClick={onReject}>
      Reject…
    </button>
  </>
)

const Question = (props: Props) => {
  const { approval, isFolded, isNamed, gone } = props
  const { data, id, length, question } = approval
  const note = useSignal(noteOf(approval))
  const asked = useSignal<Decision | undefined>(undefined)
  const isBusy = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const answer = async (decision: Decision): Promise<void> => {
    if (isBusy.value || gone !== undefined) return
    asked.value = undefined
    isBusy.value = true
    problem.value = await decide(approval, decision, note.value)
    isBusy.value = false
  }
  return (
    <article
      class={isFolded === true ? "approval folded" : "approval"}
      tabIndex={-1}
      aria-label={visible(question ?? id, 200)}
    >
      <header>
        <Title {...props} />
        {isFolded === true ? null : <Asked approval={approval} isNamed={isNamed} />}
      </header>
      {data === null || data === undefined ? null : (
        <Value value={data} label="data of the question" length={length} whole={wholeData(approval)} />
      )}
      {maySteer.value ? (
        <form
          onFocusIn={() => hold(approval)}
          onFocusOut={() => hold(undefined)}
          onSubmit={(event) => {
            event.preventDefault()
            void answer("approve")
          }}
        >
          {gone === undefined ? <Decider /> : null}
          <label>
            Note{" "}
            <input
              value={note.value}
              maxLength={2_000}
              readOnly={gone !== undefined}
              onInput={({ currentTarget }) => {
                note.value = currentTarget.value
                keepNote(approval, currentTarget.value)
              }}
            />
          </label>
          {gone === undefined ? (
            <Deciding isBusy={isBusy.value} onReject={() => (asked.value = "reject")} />
          ) : (
            <Closing gone={gone} />
          )}
        </form>
      ) : (
        <small>{recorded === undefined ? mayNot() : "This question was open when the job was recorded."}</small>
      )}
      {problem.value === undefined ? null : <NotSent problem={problem.value} />}
      {asked.value === undefined || gone !== undefined ? null : (
        <Refusal text={question ?? id} onNo={() => (asked.value = undefined)} onYes={() => void answer("reject")} />
      )}
    </article>
  )
}

/** Why an answer was not taken, while the question is still open. */
const NotSent = ({ problem }: { readonly problem: Problem }) =>
  problem.isToldOnTop === true ? (
    <p class="fault" role="alert">
      <b>Your answer was not sent.</b> Answer again once the page reaches the server.
    </p>
  ) : (
    <Fault problem={problem} />
  )

const endings: Readonly<Record<string, string>> = {
  converged: "had converged",
  "budget-exhausted": "had used up its budget",
  failed: "had failed",
  cancelled: "had been cancelled"
}

/** The answer that a question had got before the viewer answered it. */
const Became = ({ problem: { decided, jobStatus = "", name } }: Pick<Late, "problem">) => {
  if (decided !== undefined) {
    const { approved, by, cycle, note } = decided
    return (
      <>
        <b>
          It was {approved ? "approved" : "rejected"} before, in cycle {number(cycle)}, by{" "}
          {by === "anybody" ? "somebody who gave no name" : <Said text={by} limit={80} />}
          {note === "" ? "." : ":"}
        </b>{" "}
        {note === "" ? null : <Said text={note} limit={500} hasLines />}
      </>
    )
  }
  if (name === "UnknownJob") return <b>The job had been deleted.</b>
  if (name === "JobHalted") return <b>The job {endings[jobStatus] ?? "had ended"}, and nobody had answered.</b>
  return <b>Another answer came first.</b>
}

const TooLate = ({ one }: { readonly one: Late }) => {
  const { approval, note, problem } = one
  const { id, jobId, program, question } = approval
  return (
    <div class="late" role="status">
      <p>
        Your answer was not needed: <Said text={question ?? id} limit={200} /> <Became problem={problem} />{" "}
        {note === "" ? null : (
          <>
            Your note was not sent: <Said text={note} limit={500} />{" "}
          </>
        )}
        <small>
          <Said text={program} limit={80} /> · <Said text={jobId} limit={80} />
        </small>
      </p>
      <button type="button" class="quiet" onClick={() => dismiss(one)}>
        Close
      </button>
    </div>
  )
}

/** The ways to the pages around the one in sight. */
const Pages = ({ jobId }: { readonly jobId: string | undefined }) => {
  const [earlier, later] = jobId === undefined ? ["Newer jobs", "Older jobs"] : ["Earlier questions", "Later questions"]
  if (previous.value === null && next.value === null) return null
  const turn = (place: Parameters<typeof turnTo>[1]): void => void turnTo(jobId, place, new AbortController().signal)
  return (
    <nav class="pages" aria-label="Pages of questions">
      <button type="button" disabled={previous.value === null} onClick={() => turn({ before: previous.value ?? "" })}>
        ‹ {earlier}
      </button>
      <button type="button" disabled={next.value === null} onClick={() => turn({ cursor: next.value ?? "" })}>
        {later} ›
      </button>
    </nav>
  )
}

/** How many questions are open, as far as the page knows. */
const countOf = (open: number, hasPages: boolean): string => {
  if (!hasPages) return open === 0 ? "no question" : plural(open, "question")
  const { count, isAll } = counted.value ?? { count: open, isAll: false }
  // An answer to a question may come before the next count.
  return `${plural(Math.max(count, open), "question")}${isAll ? "" : " or more"}, ${number(open)} on this page`
}

/** A card, in the place that it had. */
interface Card {
  readonly approval: Approval
  readonly gone?: Gone
}

/** The open questions, and between them those that went while the viewer was about to answer them. */
const cardsOf = (open: ReadonlyArray<Approval>, jobId: string | undefined): ReadonlyArray<Card> => {
  const cards: Array<Card> = open.map((approval) => ({ approval }))
  const keys = new Set(open.map(keyOf))
  for (const one of gone.value.toSorted((a, b) => a.place - b.place)) {
    const { approval, place } = one
    if (keys.has(keyOf(approval)) || (jobId !== undefined && approval.jobId !== jobId)) continue
    cards.splice(place, 0, { approval, gone: one })
  }
  return cards
}

/** The way to the questions, from a view that is about something else. */
const Line = ({ count, jobId }: { readonly count: string; readonly jobId: string }) => (
  <p class="waitingLine">
    <b>Waiting for you:</b> {count}.{" "}
    <a href={hrefOf({ page: "job", id: jobId, view: "overview", query: {} })}>Answer on the overview</a>
  </p>
)

interface WaitingProps {
  /** Undefined: the questions of all jobs. */
  readonly jobId?: string
  readonly view?: View
}

/**
 * The open questions of a job, oldest first. Without a job, those of all jobs, of the newest jobs first. Several questions of one
 * job are folded to their headlines, and one of them is open. Views other than the overview have one line.
 */
export const Waiting = ({ jobId, view = "overview" }: WaitingProps) => {
  useEffect(() => poll(refreshMs, (abort) => fetchApprovals(jobId, abort)), [jobId])
  const unfolded = useSignal<string | undefined>(undefined)
  const open = approvals.value.filter((approval) => jobId === undefined || approval.jobId === jobId)
  const told = late.value.filter(({ approval }) => jobId === undefined || approval.jobId === jobId)
  const hasPages = previous.value !== null || next.value !== null
  const cards = cardsOf(open, jobId)
  if (cards.length + told.length === 0 && !hasPages) return null
  const count = countOf(open.length, hasPages)
  if (jobId !== undefined && view !== "overview")
    return open.length === 0 && !hasPages ? null : <Line count={count.replace(/, .*/, "")} jobId={jobId} />
  const isFoldable = jobId !== undefined && open.length > 1
  // The first is open, until another is chosen, and again when that has gone.
  const chosen = open.find((approval) => keyOf(approval) === unfolded.value) ?? open[0]
  return (
    <section class={open.length === 0 ? "waiting over" : "waiting"} aria-label="Waiting for a decision" tabIndex={0}>
      {open.length === 0 && !hasPages ? null : (
        <header class="waitingHead">
          <h2 tabIndex={-1}>
            Waiting for you <small>{count}</small>
          </h2>
          <Pages jobId={jobId} />
        </header>
      )}
      {told.map((one, index) => (
        <TooLate key={index} one={one} />
      ))}
      {cards.map(({ approval, gone }) => (
        <Question
          key={keyOf(approval)}
          approval={approval}
          gone={gone}
          isNamed={jobId === undefined}
          isFolded={isFoldable && gone === undefined ? approval !== chosen : undefined}
          onFold={() => (unfolded.value = keyOf(approval))}
        />
      ))}
    </section>
  )
}
