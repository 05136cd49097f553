import { judgeGroups } from './hyper-v';

const [administrators, hyperVAdministrators, users] = ['S-1-5-32-544', 'S-1-5-32-578', 'S-1-5-32-545'];
const [medium, high, system] = ['S-1-16-8192', 'S-1-16-12288', 'S-1-16-16384'];

test.each([
  [[administrators, high], 'fine', 'is in Administrators, elevated'],
  [[administrators, system], 'fine', 'is in Administrators, elevated'],
  [[hyperVAdministrators, medium], 'warning', 'files do not by that alone'],
  [[hyperVAdministrators, administrators, medium], 'warning', 'files do not by that alone'],
  [[administrators, medium], 'critical', 'this session is not elevated'],
  [[users, high], 'critical', 'is neither in Administrators nor in Hyper-V Administrators'],
  [[], 'critical', 'is neither in Administrators'],
] as const)('an account with the groups %j is judged %s', (groups, expected, text) => {
  const verdict = judgeGroups('HOST\\me', groups);
  expect(verdict.type === 'wrong' ? verdict.severity : verdict.type).toBe(expected);
  expect(verdict.message).toContain(text);
  expect(verdict.message).toMatch(/^HOST\\me is /);
});
