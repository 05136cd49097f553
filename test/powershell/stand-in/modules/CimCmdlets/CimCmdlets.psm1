Set-StrictMode -Version 2
. (Join-Path -Path $PSScriptRoot -ChildPath 'ReferencePoints.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'Exports.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'Migrations.ps1')

$namespaces = @{
    Win32_OperatingSystem                    = 'root\cimv2'
    Win32_Processor                          = 'root\cimv2'
    Win32_Service                            = 'root\cimv2'
    Win32_DeviceGuard                        = 'root\Microsoft\Windows\DeviceGuard'
    Msvm_ConcreteJob                         = 'root\virtualization\v2'
    Msvm_ComputerSystem                      = 'root\virtualization\v2'
    Msvm_ImageManagementService              = 'root\virtualization\v2'
    Msvm_MigrationJob                        = 'root\virtualization\v2'
    Msvm_PlannedComputerSystem               = 'root\virtualization\v2'
    Msvm_VirtualSystemManagementService      = 'root\virtualization\v2'
    Msvm_VirtualSystemReferencePoint         = 'root\virtualization\v2'
    Msvm_VirtualSystemMigrationService       = 'root\virtualization\v2'
    Msvm_VirtualSystemReferencePointService  = 'root\virtualization\v2'
    Msvm_VirtualSystemSettingData            = 'root\virtualization\v2'
    Msvm_VirtualSystemSnapshotService        = 'root\virtualization\v2'
}

function Get-CimInstance {
    [CmdletBinding(DefaultParameterSetName = 'ClassNameComputerSet')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'ClassNameComputerSet')][string] $ClassName,
        [Parameter(ParameterSetName = 'ClassNameComputerSet')][string] $Namespace = 'root\cimv2',
        [Parameter(ParameterSetName = 'ClassNameComputerSet')][string] $Filter,
        [Parameter(ParameterSetName = 'ClassNameComputerSet')][string[]] $Property,
        [Parameter(Mandatory, ParameterSetName = 'CimInstanceComputerSet')][object] $InputObject
    )
    if ($null -ne $InputObject) { return Get-Job -Reference $InputObject }
    if ($namespaces[$ClassName] -ne $Namespace) { throw "Class $ClassName is not in $Namespace." }
    switch ($ClassName) {
        'Win32_OperatingSystem' {
            $machine = Invoke-StandInService -Command 'host'
            [pscustomobject] @{ FreePhysicalMemory = [uint64] ($machine.memoryFreeBytes / 1024) }
        }
        'Win32_Service' {
            if ($Filter -ne "Name = 'ClusSvc'") { throw "The stand-in has no service for $Filter." }
            $cluster = (Invoke-StandInService -Command 'host').facts.cluster
            if (-not $cluster.known) { throw $cluster.why }
            if ($null -ne $cluster.value) { [pscustomobject] @{ State = 'Running'; StartMode = 'Auto' } }
        }
        'Win32_DeviceGuard' {
            $guard = (Invoke-StandInService -Command 'host').facts.migrationAuthentication
            if (-not $guard.known) { throw $guard.why }
            [pscustomobject] @{ SecurityServicesRunning = [uint32[]] @(if ($guard.value.credentialGuard) { 1, 2 } else { 2 }) }
        }
        'Msvm_MigrationJob' {
            Get-MigrationJobs
        }
        'Win32_Processor' { [pscustomobject] @{ Manufacturer = (Invoke-StandInService -Command 'host').facts.processor.value.maker } }
        'Msvm_VirtualSystemReferencePointService' {
            if ((Invoke-StandInService -Command 'host').facts.changeTracking.value) { [pscustomobject] @{ Class = $ClassName; Name = 'vssrps' } }
        }
        'Msvm_VirtualSystemReferencePoint' { Get-ReferencePoints }
        'Msvm_VirtualSystemSnapshotService' { [pscustomobject] @{ Class = $ClassName } }
        'Msvm_ImageManagementService' { [pscustomobject] @{ Class = $ClassName } }
        'Msvm_ComputerSystem' {
            [pscustomobject] @{ Class = $ClassName; Name = 'STAND-IN'; OperationalStatus = [uint16[]] @(2) }
            foreach ($vm in Invoke-StandInService -Command 'vms') {
                [pscustomobject] @{ Class = $ClassName; Name = $vm.id.ToUpperInvariant(); OperationalStatus = [uint16[]] @($vm.operationalStatus) }
            }
        }
        'Msvm_PlannedComputerSystem' {
            foreach ($id in Invoke-StandInService -Command 'planned-here') {
                [pscustomobject] @{ Class = $ClassName; Name = $id.ToUpperInvariant(); OperationalStatus = [uint16[]] @(2) }
            }
        }
        'Msvm_ConcreteJob' { Get-ExportJobs }
        'Msvm_VirtualSystemSettingData' { Get-SystemSettings }
        { @('Msvm_VirtualSystemManagementService', 'Msvm_VirtualSystemMigrationService') -contains $_ } { [pscustomobject] @{ Class = $ClassName } }
    }
}

# A method answers 0, or the code by which it refuses; it throws nothing.
function Invoke-CimMethod {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][object] $InputObject,
        [Parameter(Mandatory)][string] $MethodName,
        [System.Collections.IDictionary] $Arguments
    )
    switch ("$($InputObject.Class).$MethodName") {
        'Msvm_VirtualSystemManagementService.DestroySystem' {
            [void] (Invoke-StandInService -Command 'destroy' -With @{ vmId = $Arguments.AffectedSystem.Name.ToLowerInvariant() })
            New-Result -ReturnValue 0
        }
        'Msvm_VirtualSystemManagementService.ExportSystemDefinition' { Start-Export -Given $Arguments }
        'Msvm_VirtualSystemManagementService.ValidatePlannedSystem' {
            [void] (Get-NeededPlan -System $Arguments.PlannedSystem)
            New-Result -ReturnValue 0
        }
        'Msvm_VirtualSystemManagementService.RealizePlannedSystem' {
            [void] (Invoke-StandInService -Command 'realize' -With @{ vmId = (Get-NeededPlan -System $Arguments.PlannedSystem) })
            New-Result -ReturnValue 0
        }
        'Msvm_ConcreteJob.RequestStateChange' { Stop-ExportJob -Job $InputObject -Given $Arguments }
        'Msvm_VirtualSystemSnapshotService.CreateSnapshot' { New-RecoverySnapshot -Arguments $Arguments }
        'Msvm_VirtualSystemSnapshotService.ConvertToReferencePoint' { ConvertTo-Point -Arguments $Arguments }
        'Msvm_VirtualSystemReferencePointService.DestroyReferencePoint' {
            New-JobResult -Command 'destroy-point' -With @{ id = $Arguments.AffectedReferencePoint.InstanceID }
        }
        'Msvm_ImageManagementService.GetVirtualDiskChanges' { Read-VirtualDiskChanges -Arguments $Arguments }
        { $_ -like 'Msvm_MigrationJob.*' -or $_ -like 'Msvm_VirtualSystemMigrationService.*' } {
            Invoke-MigrationMethod -Object $InputObject -Method $MethodName -Given $Arguments
        }
        default { throw "The stand-in has no $_." }
    }
}

# Instances of a class that an instance is joined with: jobs of a VM alone.
function Get-CimAssociatedInstance {
    [CmdletBinding()]
    param([Parameter(Mandatory)][object] $InputObject, [Parameter(Mandatory)][string] $ResultClassName)
    if ($InputObject.Class -ne 'Msvm_ComputerSystem' -or $ResultClassName -ne 'Msvm_ConcreteJob') { throw "The stand-in joins no $ResultClassName with $($InputObject.Class)." }
    Get-ExportJobs | Where-Object { $_.OfVm -eq $InputObject.Name }
}

# Not of this module, but of the same Windows: what Active Directory has of this computer.
class StandInSearcher {
    [System.Collections.ArrayList] $PropertiesToLoad = [System.Collections.ArrayList]::new()
    [string] $Filter
    StandInSearcher([string] $filter) { $this.Filter = $filter }
    [object] FindOne() {
        if ($this.Filter -notmatch '\A\(&\(objectCategory=computer\)\(sAMAccountName=[^()*]+\$\)\)\z') { throw "No such filter: $($this.Filter)" }
        $guard = (Invoke-StandInService -Command 'host').facts.migrationAuthentication
        if (-not $guard.known) { throw $guard.why }
        $hosts = $guard.value.delegatedTo
        if ($null -eq $hosts) { return @{ Properties = @{ userAccountControl = @(0x81000); 'msDS-AllowedToDelegateTo' = @() } } }
        $services = foreach ($name in @($hosts)) {
            "cifs/$name"
            "cifs/$name.example.test"
            "Microsoft Virtual System Migration Service/$name"
            "Microsoft Virtual System Migration Service/$name.example.test"
        }
        $services = @('cifs/half.example.test', 'HOST/other') + @($services | Where-Object { $null -ne $_ })
        return @{ Properties = @{ userAccountControl = @(0x1000); 'msDS-AllowedToDelegateTo' = $services } }
    }
}
$accelerators = [psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')
if (-not $accelerators::Get.ContainsKey('adsisearcher')) { $accelerators::Add('adsisearcher', [StandInSearcher]) }

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

# Likewise: the program that tells who runs it, here with the groups alone.
function whoami.exe {
    $global:LASTEXITCODE = 0
    if ("$args" -ne '/groups /fo csv /nh') { $global:LASTEXITCODE = 1; return }
    foreach ($sid in Invoke-StandInService -Command 'groups') { '"Gruppe","Bekannte Gruppe","{0}","Aktivierte Gruppe, Standard"' -f $sid }
}
