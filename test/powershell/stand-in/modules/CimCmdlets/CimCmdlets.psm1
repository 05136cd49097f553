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

# Not of this module, but of the same Windows: the program by which rights on files are changed and listed.
function icacls.exe {
    param([string] $Path, [Parameter(ValueFromRemainingArguments)][string[]] $Rest)
    $global:LASTEXITCODE = 0
    if (-not (Test-Path -LiteralPath $Path)) { $global:LASTEXITCODE = 2; return }
    if (-not $Rest) {
        "$Path NT AUTHORITY\SYSTEM:(F)"
        foreach ($sid in Invoke-StandInService -Command 'denials' -With @{ path = $Path }) { "    ${sid}:(N)" }
        return
    }
    $change, $rule = $Rest
    $sid = "$rule" -replace '\A\*' -replace ':\(F\)\z'
    if ($sid -notmatch '\AS(?:-\d+)+\z' -or @('/deny', '/remove:d') -notcontains $change) { $global:LASTEXITCODE = 87; return }
    [void] (Invoke-StandInService -Command 'set-denial' -With @{ path = $Path; sid = $sid; denied = ($change -eq '/deny') })
}
