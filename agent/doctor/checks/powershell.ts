import { critical, fine, skipped, warning, type Check, type Verdict } from '../check';

const notUsed = 'the driver is simulated';

/** `5.1` and later; a later edition only where 5.1 is missing, since the module loads natively into 5.1 on every Windows Server. */
const isTooOld = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 5 || (major === 5 && minor < 1);
};

export const powerShell: Check = {
  id: 'powershell',
  looksAt: 'a PowerShell that can run the worker: Windows PowerShell 5.1, else PowerShell 7',
  async look(see): Promise<Verdict> {
    const look = await see.powerShell();
    switch (look.type) {
      case 'not-used':
        return skipped(notUsed);
      case 'none':
        return critical(
          'neither Windows PowerShell nor pwsh is on this machine',
          'Install PowerShell, or name its program in driver.engine.',
        );
      case 'dead':
        return critical(
          `${look.engine.command} does not run: ${look.why}`,
          'Name another program in driver.engine, or remove the field for the PowerShell of this machine.',
        );
      case 'answers': {
        const { engine, version } = look;
        const found = `${engine.command} is version ${version}`;
        if (isTooOld(version))
          return critical(`${found}; the worker needs 5.1`, 'Install Windows Management Framework 5.1.');
        return engine.edition === 'windows-powershell' || process.platform !== 'win32'
          ? fine(found)
          : warning(
              `${found}; on Windows Server 2016 and older the Hyper-V module does not load into it natively`,
              'Leave driver.engine and HYPERFERRY_PWSH out, so that Windows PowerShell 5.1 is used.',
            );
      }
    }
  },
};

/** What keeps the project's scripts, which nobody signed, from being run whatever the command line says. */
const forbidding = ['Restricted', 'AllSigned'];

export const executionPolicy: Check = {
  id: 'execution-policy',
  looksAt: 'no policy keeps the scripts of the agent from being run',
  async look(see): Promise<Verdict> {
    const look = await see.powerShell();
    if (look.type === 'not-used') return skipped(notUsed);
    if (look.type !== 'answers') return skipped('PowerShell does not run (powershell)');
    const { policies, languageMode } = look;
    for (const [scope, policy] of [
      ['computers', policies.machine],
      ['users', policies.user],
    ] as const)
      if (forbidding.includes(policy))
        return critical(
          `a group policy for ${scope} sets the execution policy to ${policy}, which no command line overrides`,
          'Exempt this host from the policy "Turn on Script Execution", or set it to RemoteSigned or Unrestricted.',
        );
    if (languageMode !== 'FullLanguage')
      return critical(
        `PowerShell runs in the language mode ${languageMode}`,
        'Allow the folder of the agent in the application control policy (WDAC, AppLocker).',
      );
    return fine(
      `execution policy by group policy: ${policies.machine}, ${policies.user}; language mode ${languageMode}`,
    );
  },
};
