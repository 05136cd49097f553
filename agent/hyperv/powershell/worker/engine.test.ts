import { findEngine } from './engine';

const at = (platform: NodeJS.Platform, env: NodeJS.ProcessEnv, ...there: string[]) =>
  findEngine(undefined, { platform, env, isThere: (path) => there.includes(path) });
const builtIn = 'D:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe';
const seven = 'C:\\Program Files\\PowerShell\\7\\pwsh.exe';
const windows = { SystemRoot: 'D:\\Windows', PATH: 'D:\\tools;;C:\\Program Files\\PowerShell\\7' };

test('Windows PowerShell goes before pwsh, pwsh before nothing, and what is named before both', () => {
  expect(at('win32', windows, builtIn, seven)).toEqual({ command: builtIn, edition: 'windows-powershell' });
  expect(at('win32', windows, seven)).toEqual({ command: seven, edition: 'powershell' });
  expect(at('win32', windows)).toBeUndefined();
  expect(at('win32', { ...windows, HYPERFERRY_PWSH: 'x' }, builtIn)).toEqual({ command: 'x', edition: 'powershell' });
  const asked = 'D:\\Windows\\PowerShell.exe';
  const at71 = { platform: 'win32', env: { ...windows, HYPERFERRY_PWSH: 'x' }, isThere: () => true } as const;
  expect(findEngine(asked, at71)).toEqual({ command: asked, edition: 'windows-powershell' });
});

test('elsewhere than on Windows there is pwsh on the PATH, or none', () => {
  expect(at('linux', { PATH: '/a:/b' }, '/b/pwsh')).toEqual({ command: '/b/pwsh', edition: 'powershell' });
  expect(at('linux', {}, '/b/pwsh')).toBeUndefined();
});
