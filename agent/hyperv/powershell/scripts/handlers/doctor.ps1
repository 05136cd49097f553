# What the doctor asks of the account that runs the worker and of the surroundings of Hyper-V. Changes nothing.

function Read-DoctorFacts {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidateCount(1, 64)][ValidateLength(1, 1024)][string[]] $Roots,
        [Parameter(Mandatory)][ValidateRange(1, 65535)][int] $MigrationPort,
        [Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{1,100}\z')][string] $HostId
    )
    [ordered]@{
        account     = Read-Fact { "$([Environment]::UserDomainName)\$([Environment]::UserName)" }
        groups      = Read-Fact { , [object[]] @(Read-OwnGroups) }
        module      = Read-Fact { "$((Get-Module -Name Hyper-V).Version)" }
        fileSystems = [object[]] @($Roots | ForEach-Object {
                $root = $_
                [ordered]@{ root = $root; fileSystem = Read-Fact { "$((Get-Volume -FilePath $root).FileSystem)" } }
            })
        listens     = Read-Fact { Test-Listening -Port $MigrationPort }
        firewall    = Read-Fact { Read-FirewallFacts -HostId $HostId }
    }
}

# By their security identifiers, which no language changes; the integrity level of the session is one of them.
function Read-OwnGroups {
    $printed = @(& whoami.exe /groups /fo csv /nh)
    if ($global:LASTEXITCODE -ne 0) { throw "whoami ended with $global:LASTEXITCODE." }
    [regex]::Matches(($printed -join "`n"), '"(S-1-[0-9-]+)"') | ForEach-Object { $_.Groups[1].Value }
}

function Test-Listening {
    param([int] $Port)
    $listeners = [System.Net.NetworkInformation.IPGlobalProperties]::GetIPGlobalProperties().GetActiveTcpListeners()
    @($listeners | Where-Object { $_.Port -eq $Port }).Count -gt 0
}

# The active store holds what is in force once group policy has had its say. A setting that nobody made is as if it were allowed.
function Read-FirewallFacts {
    param([string] $HostId)
    [ordered]@{
        rules    = @(Find-ByteRouteRules -HostId $HostId).Count
        profiles = [object[]] @(Get-NetFirewallProfile -PolicyStore ActiveStore | ForEach-Object {
                [ordered]@{
                    name            = "$($_.Name)"
                    enabled         = "$($_.Enabled)" -ne 'False'
                    inboundRules    = "$($_.AllowInboundRules)" -ne 'False'
                    localRulesCount = "$($_.AllowLocalFirewallRules)" -ne 'False'
                }
            })
    }
}
