import { judgeFirewall, type FirewallCase } from './firewall';

type Profile = FirewallCase['firewall']['profiles'][number];

const profile = (more: Partial<Profile> = {}): Profile => ({
  name: 'Domain',
  enabled: true,
  inboundRules: true,
  localRulesCount: true,
  ...more,
});
const judged = (profiles: Profile[], more: Partial<FirewallCase> = {}, rules = 0) =>
  judgeFirewall({ firewall: { rules, profiles }, ownRule: true, agentRuns: false, port: 0, ...more });

test.each<[string, ReturnType<typeof judged>, string, RegExp]>([
  ['that is off', judged([profile({ enabled: false, inboundRules: false })]), 'fine', /off/],
  ['that is on, before the agent runs', judged([profile()]), 'fine', /makes its rule when it starts/],
  ['with the rule of an agent that runs', judged([profile()], { agentRuns: true }, 1), 'fine', /with the rule/],
  ['without it', judged([profile()], { agentRuns: true, port: 8443 }), 'warning', /rule for TCP 8443 is not there/],
  ['that blocks all', judged([profile({ inboundRules: false })]), 'warning', /blocks all .*profile Domain/],
  [
    'of a policy',
    judged([profile(), profile({ name: 'Public', localRulesCount: false })]),
    'warning',
    /profile Public/,
  ],
  ['of people, with a fixed port', judged([profile()], { ownRule: false, port: 8443 }), 'fine', /you admit TCP 8443/],
  ['of people, with any port', judged([profile()], { ownRule: false }), 'warning', /another at each start/],
])('a firewall %s is judged', (_name, verdict, expected, text) => {
  expect(verdict.type === 'wrong' ? verdict.severity : verdict.type).toBe(expected);
  expect(verdict.message).toMatch(text);
});

test('a profile that is off says nothing, whatever is set in it', () => {
  expect(judged([profile({ name: 'Public', enabled: false, localRulesCount: false }), profile()])).toMatchObject({
    type: 'fine',
  });
});
