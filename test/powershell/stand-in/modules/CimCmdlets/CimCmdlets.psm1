Set-StrictMode -Version 2

function Get-CimInstance {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidateSet('Win32_OperatingSystem', 'Msvm_ComputerSystem')][string] $ClassName,
        [ValidateSet('root\cimv2', 'root\virtualization\v2')][string] $Namespace = 'root\cimv2',
        [string[]] $Property
    )
    $wanted = if ($ClassName -like 'Msvm_*') { 'root\virtualization\v2' } else { 'root\cimv2' }
    if ($Namespace -ne $wanted) { throw "Class $ClassName is not in $Namespace." }
    if ($ClassName -eq 'Win32_OperatingSystem') {
        $machine = Invoke-StandInService -Command 'host'
        return [pscustomobject] @{ FreePhysicalMemory = [uint64] ($machine.memoryFreeBytes / 1024) }
    }
    foreach ($vm in Invoke-StandInService -Command 'vms') {
        [pscustomobject] @{ Name = $vm.id.ToUpperInvariant(); OperationalStatus = [uint16[]] @($vm.operationalStatus) }
    }
}
