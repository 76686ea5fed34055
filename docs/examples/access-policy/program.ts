/**
 * The rights of users: nested groups, folders, roles, grants and denies, joined until nothing new follows.
 *
 * The first tier derives every claim that a rule makes on somebody. The second decides when all claims are there, since
 * "granted and not denied" can only be said of a finished set.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A name without spaces, so that ids that are made of several names cannot be mistaken for each other. */
const Name = Schema.String.check(Schema.isPattern(/^\S+$/))

/** A user, or a group, that belongs to a group. */
export const Member = Fact.kind("Member", {
  schema: Schema.Struct({ member: Name, group: Name }),
  id: ({ group, member }) => `${member} ${group}`
})

/** A document, or a folder, that lies in a folder. */
export const Content = Fact.kind("Content", {
  schema: Schema.Struct({ item: Name, folder: Name }),
  id: ({ folder, item }) => `${item} ${folder}`
})

export const Role = Fact.kind("Role", {
  schema: Schema.Struct({ role: Name, permission: Name }),
  id: ({ permission, role }) => `${role} ${permission}`
})

/** A grant or a denial of a role, to a user or a group, on a document or a folder. A rule that was revoked claims nothing. */
export const Rule = Fact.kind("Rule", {
  schema: Schema.Struct({
    effect: Schema.Literals(["grant", "deny"]),
    subject: Name,
    role: Name,
    on: Name,
    isRevoked: Schema.Boolean
  }),
  id: ({ effect, on, role, subject }) => `${effect} ${subject} ${role} ${on}`
})

/** Membership through any number of groups. */
export const Within = Fact.kind("Within", { schema: Member.schema, id: Member.id })

/** Containment through any number of folders. */
const Under = Fact.kind("Under", { schema: Content.schema, id: Content.id })

/** A rule as it holds for one member of its subject. */
const Assignment = Fact.kind("Assignment", {
  schema: Schema.Struct({ effect: Schema.Literals(["grant", "deny"]), who: Name, role: Name, on: Name }),
  id: ({ effect, on, role, who }) => `${effect} ${who} ${role} ${on}`
})

/** The same with a permission in place of the role. */
const Power = Fact.kind("Power", {
  schema: Schema.Struct({ effect: Schema.Literals(["grant", "deny"]), who: Name, permission: Name, on: Name }),
  id: ({ effect, on, permission, who }) => `${effect} ${who} ${permission} ${on}`
})

/** The same with each item below the folder in place of the folder. */
export const Claim = Fact.kind("Claim", {
  schema: Schema.Struct({ effect: Schema.Literals(["grant", "deny"]), who: Name, permission: Name, item: Name }),
  id: ({ effect, item, permission, who }) => `${effect} ${who} ${permission} ${item}`
})

/** The decision. It is revised if a denial comes later than it: in a fork, or in a job that goes on from this one. */
export const Access = Fact.kind("Access", {
  schema: Schema.Struct({ who: Name, permission: Name, item: Name, isAllowed: Schema.Boolean }),
  id: ({ item, permission, who }) => `${who} ${permission} ${item}`,
  conflict: "keepLast"
})

const member = Agent.cpu("member", {
  each: Member,
  writes: [Within],
  placement: "auto",
  execute: ({ value }) => ({ facts: [Within.of(value)] })
})

// A group that contains itself ends, too: what it would add again is there already.
const nested = Agent.join("nested", {
  left: [Within, ({ group }) => group],
  right: [Member, ({ member }) => member],
  writes: [Within],
  execute: (within, outer) => ({ facts: [Within.of({ member: within.value.member, group: outer.value.group })] })
})

const content = Agent.cpu("content", {
  each: Content,
  writes: [Under],
  placement: "auto",
  execute: ({ value }) => ({ facts: [Under.of(value)] })
})

const subfolder = Agent.join("subfolder", {
  left: [Under, ({ folder }) => folder],
  right: [Content, ({ item }) => item],
  writes: [Under],
  execute: (under, outer) => ({ facts: [Under.of({ item: under.value.item, folder: outer.value.folder })] })
})

const direct = Agent.cpu("direct", {
  each: Rule,
  writes: [Assignment],
  placement: "auto",
  execute: ({ value: { effect, isRevoked, on, role, subject } }) =>
    isRevoked ? {} : { facts: [Assignment.of({ effect, who: subject, role, on })] }
})

export const inherited = Agent.join("inherited", {
  // A rule without a key meets nobody.
  left: [Rule, ({ isRevoked, subject }) => (isRevoked ? [] : subject)],
  right: [Within, ({ group }) => group],
  writes: [Assignment],
  execute: ({ value: { effect, on, role } }, within) => ({
    facts: [Assignment.of({ effect, who: within.value.member, role, on })]
  })
})

const permissions = Agent.join("permissions", {
  left: [Assignment, ({ role }) => role],
  right: [Role, ({ role }) => role],
  writes: [Power],
  execute: ({ value: { effect, on, who } }, role) => ({
    facts: [Power.of({ effect, who, permission: role.value.permission, on })]
  })
})

const itself = Agent.cpu("itself", {
  each: Power,
  writes: [Claim],
  placement: "auto",
  execute: ({ value: { effect, on, permission, who } }) => ({
    facts: [Claim.of({ effect, who, permission, item: on })]
  })
})

const below = Agent.join("below", {
  left: [Power, ({ on }) => on],
  right: [Under, ({ folder }) => folder],
  writes: [Claim],
  execute: ({ value: { effect, permission, who } }, under) => ({
    facts: [Claim.of({ effect, who, permission, item: under.value.item })]
  })
})

// In a tier of its own: when it is asked about a grant, every denial is there.
export const decide = Agent.cpu("decide", {
  each: Claim,
  reads: [Claim],
  writes: [Access],
  placement: "auto",
  execute: (claim, view) => {
    const { effect, item, permission, who } = claim.value
    if (effect === "deny") return { facts: [Access.of({ who, permission, item, isAllowed: false })] }
    const denial = view.get(Claim, Claim.id({ effect: "deny", who, permission, item }))
    return Option.isSome(denial) ? {} : { facts: [Access.of({ who, permission, item, isAllowed: true })] }
  }
})

export const access = Program.make("access", {
  module: import.meta.url,
  input: Schema.Struct({
    members: Schema.Array(Member.schema),
    contents: Schema.Array(Content.schema),
    roles: Schema.Array(Role.schema),
    rules: Schema.Array(Rule.schema)
  }),
  seed: function* ({ contents, members, roles, rules }) {
    yield* members.map((value) => Member.of(value))
    yield* contents.map((value) => Content.of(value))
    yield* roles.map((value) => Role.of(value))
    yield* rules.map((value) => Rule.of(value))
  },
  agents: [member, nested, content, subfolder, direct, inherited, permissions, itself, below, decide],
  tiers: [
    ["member", "nested", "content", "subfolder", "direct", "inherited", "permissions", "itself", "below"],
    ["decide"]
  ],
  output: (view) =>
    view
      .all(Access)
      .filter(({ value }) => value.isAllowed)
      .map(({ id }) => id)
})
