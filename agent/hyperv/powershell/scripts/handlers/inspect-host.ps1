# What a host tells before a move, in one round trip: each fact by itself, so that one that cannot be read hides no other.

function Read-HostInspection {
    [CmdletBinding()]
    param(
        # A folder whose volume is asked for; none where it is empty.
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 1024)][string] $Folder
    )
    $machine = Get-VMHost
    [ordered]@{
        logicalProcessors       = Read-Fact { [int] $machine.LogicalProcessorCount }
        processor               = Read-Fact { Read-ProcessorFacts }
        configurationVersions   = Read-Fact { , [object[]] @(Get-VMHostSupportedVersion | ForEach-Object { "$($_.Version)" }) }
        switchTypes             = Read-Fact { , [object[]] @(Get-VMSwitch | ForEach-Object { Read-Switch -Switch $_ }) }
        macAddresses            = Read-Fact { Read-MacAddresses -Machine $machine }
        guardians               = Read-Fact { , [object[]] @(Read-OwnGuardians) }
        attestedBy              = Read-Fact { Read-Attestation }
        changeTracking          = Read-Fact { Test-ChangeTracking }
        liveMigration           = Read-Fact { Read-MigrationSlots -Machine $machine }
        migrationAuthentication = Read-Fact { Read-MigrationAuthentication -Machine $machine }
        migrationNetworks       = Read-Fact { , [object[]] @(Read-MigrationNetworks -Machine $machine) }
        cluster                 = Read-Fact { Read-Cluster }
        luns                    = Read-Fact { , [object[]] @(Read-Luns) }
        volume                  = Read-Fact { Read-FileSystem -Folder $Folder }
        sectorBytes             = Read-Fact { Read-SectorBytes -Folder $Folder }
    }
}

function Read-MacAddresses {
    param($Machine)
    $used = foreach ($vm in @(Get-VM)) {
        foreach ($adapter in @(Get-VMNetworkAdapter -VM $vm)) {
            [ordered]@{ address = "$($adapter.MacAddress)"; vmId = $vm.Id.ToString(); vmName = $vm.Name }
        }
    }
    [ordered]@{
        poolFirst = "$($Machine.MacAddressMinimum)"
        poolLast  = "$($Machine.MacAddressMaximum)"
        inUse     = [object[]] @($used | Where-Object { $null -ne $_ })
    }
}

# Guardians whose private key this host has: what they protect, it can open.
function Read-OwnGuardians {
    Get-HgsGuardian | Where-Object { $_.HasPrivateSigningKey } | ForEach-Object { Read-GuardianKey -Guardian $_ }
}

# A key protector is opened by the certificate that it was encrypted with. Names say little: each host calls its own guardian UntrustedGuardian.
function Read-GuardianKey {
    param($Guardian)
    [ordered]@{ name = "$($Guardian.Name)"; key = Get-Thumbprint -Certificate $Guardian.EncryptionCertificate }
}

function Read-Attestation {
    $client = Get-HgsClientConfiguration
    if ($client.IsHostGuarded) { "$($client.AttestationServerUrl)" } else { $null }
}

# Reference points came with change tracking, in Windows Server 2016: a host that has their service has both.
function Test-ChangeTracking {
    try { $null -ne (Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemReferencePointService) }
    # The class is not there before that.
    catch {
        if ($_.FullyQualifiedErrorId -notlike 'HRESULT 0x80041010*') { throw }
        $false
    }
}

# Jobs 305 and 306 move a VM, 306 and 307 its storage; job states up to 6 have not ended.
function Read-MigrationSlots {
    param($Machine)
    $jobs = @(Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_MigrationJob -Property JobState, JobType | Where-Object { $_.JobState -le 6 })
    [ordered]@{
        enabled      = [bool] $Machine.VirtualMachineMigrationEnabled
        slots        = [ordered]@{
            max  = [int] $Machine.MaximumVirtualMachineMigrations
            used = @($jobs | Where-Object { @(305, 306) -contains $_.JobType }).Count
        }
        storageSlots = [ordered]@{
            max  = [int] $Machine.MaximumStorageMigrations
            used = @($jobs | Where-Object { @(306, 307) -contains $_.JobType }).Count
        }
    }
}

function Read-MigrationAuthentication {
    param($Machine)
    $guard = Get-CimInstance -Namespace 'root\Microsoft\Windows\DeviceGuard' -ClassName Win32_DeviceGuard -Property SecurityServicesRunning
    $type = $Machine.VirtualMachineMigrationAuthenticationType.ToString()
    [ordered]@{
        type            = $type
        # CredSSP hands the credentials on; nobody has to be named.
        delegatedTo     = if ($type -eq 'Kerberos') { Read-Delegation } else { $null }
        # 1: Credential Guard runs.
        credentialGuard = @($guard.SecurityServicesRunning) -contains 1
    }
}

# The services to which the account of this computer may delegate, as Active Directory has them; nothing where it may delegate to all.
function Read-Delegation {
    $name = [Environment]::MachineName
    $searcher = [adsisearcher] "(&(objectCategory=computer)(sAMAccountName=$name`$))"
    [void] $searcher.PropertiesToLoad.Add('msDS-AllowedToDelegateTo')
    [void] $searcher.PropertiesToLoad.Add('userAccountControl')
    $found = $searcher.FindOne()
    if ($null -eq $found) { throw "Active Directory has no account of the computer $name." }
    # 0x80000: trusted for delegation to any service.
    $control = @($found.Properties['userAccountControl'])
    if ($control.Count -gt 0 -and ($control[0] -band 0x80000) -ne 0) { return $null }
    , [object[]] @($found.Properties['msDS-AllowedToDelegateTo'] | ForEach-Object { "$_" })
}

function Read-MigrationNetworks {
    param($Machine)
    if ($Machine.UseAnyNetworkForMigration) { return }
    $networks = @(Get-VMMigrationNetwork | ForEach-Object { "$($_.Subnet)" })
    # No network in the list is any network to whoever reads it.
    if ($networks.Count -eq 0) { throw 'No network is chosen for live migration, and not every one may be used.' }
    $networks
}

# The cluster that this host is a node of; nothing where it is none.
function Read-Cluster {
    if (-not (Test-IsNode)) { return $null }
    $cluster = Get-Cluster
    $name = [Environment]::MachineName
    $volumes = foreach ($volume in @(Get-ClusterSharedVolume)) {
        $state = @(Get-ClusterSharedVolumeState -InputObject $volume | Where-Object { $_.Node -eq $name })
        [ordered]@{
            name  = "$($volume.Name)"
            paths = [object[]] @($volume.SharedVolumeInfo | ForEach-Object { "$($_.FriendlyVolumeName)" })
            state = if ($state.Count -eq 0) { '' } else { "$($state[0].StateInfo)" }
        }
    }
    [ordered]@{
        name          = "$($cluster.Name)"
        node          = (Get-ClusterNode -Name $name).State.ToString()
        sharedVolumes = [object[]] @($volumes | Where-Object { $null -ne $_ })
    }
}

# A cluster whose service does not run here cannot be asked; the host is a node all the same.
function Test-IsNode {
    $service = Get-CimInstance -ClassName Win32_Service -Filter "Name = 'ClusSvc'" -Property State, StartMode
    if ($null -eq $service -or $service.StartMode -eq 'Disabled') { return $false }
    if ($service.State -ne 'Running') { throw 'This host is a node of a cluster whose service does not run here.' }
    $true
}

function Read-FileSystem {
    param([string] $Folder)
    if ($Folder -eq '') { return $null }
    $volume = Get-Volume -FilePath $Folder
    [ordered]@{
        fileSystem          = "$($volume.FileSystem)"
        allocationUnitBytes = $volume.AllocationUnitSize
    }
}

# A volume of the cluster may have no partition that this node sees.
function Read-SectorBytes {
    param([string] $Folder)
    if ($Folder -eq '') { return $null }
    $sizes = @(Get-Partition -Volume (Get-Volume -FilePath $Folder) | ForEach-Object { [int] (Get-Disk -Partition $_).PhysicalSectorSize })
    if ($sizes.Count -eq 0) { throw "No partition of this host is known for the volume of $Folder." }
    $sizes | Sort-Object | Select-Object -Last 1
}
