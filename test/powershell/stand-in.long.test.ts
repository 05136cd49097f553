import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cmdletsFile, hasContract, standInChecker } from './contract';
import { engine } from './engine';
import { modulesFolder } from './stand-in/host';
import { beside } from './syntax';

(engine !== undefined && hasContract ? describe : describe.skip)('the stand-in modules', () => {
  test.each(['Hyper-V', 'Storage', 'FailoverClusters', 'HgsClient', 'NetSecurity'])(
    '%s contradict the documented cmdlets nowhere',
    (module) => {
      const manifest = join(modulesFolder, module, `${module}.psd1`);
      const extra = [...beside.keys()].map((name) => `'${name}'`).join(',');
      const given = ['-ModulePath', manifest, '-Contract', cmdletsFile, '-ModuleName', module, '-AllowExtra', extra];
      const checked = spawnSync(
        engine?.command ?? '',
        ['-NoProfile', '-NonInteractive', '-Command', [standInChecker, ...given, '-Quiet'].join(' ')],
        {
          encoding: 'utf8',
          env: { ...process.env, PSModulePath: modulesFolder },
        },
      );
      const said = `${checked.stdout}${checked.stderr}`;
      const contradicted = /Contradiction/.test(said) || checked.stderr !== '' ? said : '';
      expect({ status: checked.status, contradicted }).toEqual({ status: 0, contradicted: '' });
    },
  );
});
