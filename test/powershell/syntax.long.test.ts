import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../project-root';
import { conformanceScriptsFolder } from '../conformance/hyperv/scripts';
import { documentedClasses, documentedCmdlets, hasContract } from './contract';
import { engine } from './engine';
import { scriptsOf } from './script-lint';
import { contradictions, readSyntax, type Documented } from './syntax';

const wrong = `function Test-Wrong {
    param([string] $Name)
    Get-VM -Nmae $Name
    Get-VMX -Name $Name
    $table = @{ Path = 'a'; Paht = 'b' }
    $table.Depth = 3
    Get-VHD @table
    Get-CimInstance -ClassName Msvm_Nothing
    Get-CimInstance -ClassName Msvm_ComputerSystem -Property Name, Nmae
    Invoke-CimMethod -InputObject $x -MethodName RequestStateChnage
    Invoke-CimMethod -InputObject $x -MethodName DestroySystem -Arguments @{ AffectedSystem = $x; Force = 1 }
    Test-Wrong -Nmae $Name
    ConvertTo-EmbeddedInstance -ClassName 'Msvm_VirtualSystemExportSettingData' -Properties @{ CopyVmStorage = $true; CopyVmStroage = $true }
    Get-VM -Id $Name -ErrorAction SilentlyContinue
}
function Test-Broken {
`;

(engine !== undefined && hasContract ? describe : describe.skip)('the syntax trees of the scripts', () => {
  let documented: Documented;
  beforeAll(() => {
    documented = { cmdlets: documentedCmdlets(), classes: documentedClasses() };
  });

  test('have no cmdlet, parameter, class, method or property that the documentation does not know', () => {
    const all = [...scriptsOf(), ...scriptsOf(conformanceScriptsFolder)];
    const scripts = readSyntax(all.map(({ file }) => join(projectRoot, file)));
    expect(scripts.flatMap(({ commands }) => commands).length).toBeGreaterThan(20);
    expect(contradictions(scripts, documented)).toEqual([]);
  });

  test('are seen to be wrong where they are', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hyperferry-syntax-'));
    try {
      const path = join(folder, 'wrong.ps1');
      writeFileSync(path, wrong);
      const found = contradictions(readSyntax([path]), documented).map((text) => text.replace(/^.*wrong\.ps1:/, ''));
      expect(found.slice(1)).toEqual([
        '3: Get-VM has no -Nmae',
        '4: Get-VMX is not documented',
        '7: Get-VHD has no -Paht',
        '7: Get-VHD has no -Depth',
        '8: Msvm_Nothing is not documented',
        '9: Msvm_ComputerSystem has no Nmae',
        '10: no class has no RequestStateChnage',
        '11: DestroySystem takes no Force',
        '12: Test-Wrong has no -Nmae',
        '13: Msvm_VirtualSystemExportSettingData has no CopyVmStroage',
      ]);
      expect(found[0]).toMatch(/^16: /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
