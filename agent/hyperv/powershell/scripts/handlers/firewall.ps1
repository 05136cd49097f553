# The rule of the firewall that lets other hosts reach the byte route: one a host id, for one port and one program.

function Open-ByteRoutePort {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{1,100}\z')][string] $HostId,
        [Parameter(Mandatory)][ValidateRange(1, 65535)][int] $Port,
        [Parameter(Mandatory)][ValidateLength(1, 1024)][string] $Program
    )
    # One that an agent left that was killed may be for another port.
    Remove-ByteRouteRules -HostId $HostId
    $rule = @{
        Name        = "hyperferry-byte-route-$HostId"
        DisplayName = "hyperferry byte route ($HostId)"
        Description = 'Made by the agent of hyperferry when it starts, and removed when it ends.'
        Direction   = 'Inbound'
        Action      = 'Allow'
        Protocol    = 'TCP'
        LocalPort   = "$Port"
        Program     = $Program
    }
    $null = New-NetFirewallRule @rule
    [ordered]@{ rules = @(Find-ByteRouteRules -HostId $HostId).Count }
}

function Close-ByteRoutePort {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{1,100}\z')][string] $HostId)
    Remove-ByteRouteRules -HostId $HostId
    [ordered]@{ rules = @(Find-ByteRouteRules -HostId $HostId).Count }
}

# A name that no rule has is an error, which is no error here.
function Find-ByteRouteRules {
    param([string] $HostId)
    Get-NetFirewallRule -Name "hyperferry-byte-route-$HostId" -ErrorAction SilentlyContinue
}

function Remove-ByteRouteRules {
    param([string] $HostId)
    foreach ($rule in @(Find-ByteRouteRules -HostId $HostId)) { Remove-NetFirewallRule -Name $rule.Name }
}
