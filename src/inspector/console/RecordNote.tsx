/** A note for the viewer of a recorded job: when it was recorded, and what the record lacks. */
import { number, plural, time } from "./format.ts"
import { Said } from "./parts.tsx"
import { recorded } from "./recorded.ts"

export const RecordNote = () => {
  if (recorded === undefined) return null
  const { corrupt, leftOut, recordedAt, recordedBy } = recorded.record
  const { cycles, events, facts, values } = leftOut
  const lacks = [
    facts > 0
      ? `the ${plural(facts, "fact")} and revisions that are oldest, so counts and searches of past cycles lack them`
      : "",
    values > 0 ? `the whole of ${number(values)} long values, traces, payloads or errors` : "",
    events > 0 ? `the oldest ${plural(events, "event")}` : "",
    cycles > 0 ? `the first ${plural(cycles, "cycle")}` : ""
  ].filter(Boolean)
  return (
    <aside class="soft" role="note" aria-label="About this record">
      <p>
        This is a record of the job as of {time(recordedAt)}, by version {recordedBy}. Its times are as of then, and no
        server is asked.
        {lacks.length === 0 ? "" : ` It leaves out ${lacks.join("; ")}.`}
        {values === 0 ? null : (
          <>
            {" "}
            Where the job is stored, <code>converge show --facts --json</code> prints the whole output, error, intents
            and facts.
          </>
        )}
      </p>
      {corrupt === null ? null : (
        <p class="badText">
          The journal is corrupt, and is recorded up to that part: <Said text={corrupt} limit={1_000} />
        </p>
      )}
    </aside>
  )
}
