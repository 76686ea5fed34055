/** The newest decisions about approvals: who decided what, why and when. */
import { CycleLink } from "./links.tsx"
import { Said } from "./parts.tsx"
import type { Diagnosis } from "./shapes.ts"

export const Decided = ({ list }: { readonly list: Diagnosis["decisions"] }) =>
  list.length === 0 ? null : (
    <div class="decided">
      <h3>Decisions</h3>
      <ul aria-label="Decisions">
        {list.toReversed().map(({ approval, approved, by, cycle, question, reason }) => (
          <li key={`${cycle} ${approval}`}>
            <b>
              <Said text={by} limit={120} />
            </b>{" "}
            <span class={approved ? "goodText" : "badText"}>{approved ? "approved" : "rejected"}</span>{" "}
            <Said text={question ?? approval} limit={300} />{" "}
            {reason === "" ? null : (
              <q>
                <Said text={reason} limit={500} hasLines />
              </q>
            )}{" "}
            <CycleLink cycle={cycle} />
          </li>
        ))}
      </ul>
    </div>
  )
