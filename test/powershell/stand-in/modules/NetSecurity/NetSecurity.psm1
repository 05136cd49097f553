Set-StrictMode -Version 2

function New-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess, PositionalBinding = $false)]
    param(
        [string] $Name,
        [Parameter(Mandatory)][string] $DisplayName,
        [string] $Description,
        [ValidateSet('Inbound', 'Outbound')][string] $Direction,
        [ValidateSet('NotConfigured', 'Allow', 'Block')][string] $Action,
        [string] $Protocol,
        [string[]] $LocalPort,
        [string] $Program
    )
    $rule = @{ name = $Name; displayName = $DisplayName; direction = $Direction; action = $Action; protocol = $Protocol; port = "$LocalPort"; program = $Program }
    [void] (Invoke-StandInService -Command 'add-firewall-rule' -With $rule)
    [pscustomobject] @{ Name = $Name; DisplayName = $DisplayName }
}

function Get-NetFirewallRule {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory)][string[]] $Name)
    $found = @(Invoke-StandInService -Command 'firewall-rules' | Where-Object { $Name -contains $_.name })
    if ($found.Count -eq 0) {
        $exception = [System.Management.Automation.ItemNotFoundException]::new("No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '$Name'.")
        $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, 'CmdletizationQuery_NotFound_InstanceID', 'ObjectNotFound', $Name))
    }
    foreach ($one in $found) { [pscustomobject] @{ Name = $one.name; DisplayName = $one.displayName } }
}

function Remove-NetFirewallRule {
    [CmdletBinding(SupportsShouldProcess, PositionalBinding = $false)]
    param([Parameter(Mandatory)][string[]] $Name)
    foreach ($one in $Name) { [void] (Invoke-StandInService -Command 'remove-firewall-rule' -With @{ name = $one }) }
}

function Get-NetFirewallProfile {
    [CmdletBinding(PositionalBinding = $false)]
    param([string] $PolicyStore)
    foreach ($one in @(Invoke-StandInService -Command 'firewall-profiles')) {
        [pscustomobject] @{ Name = $one.name; Enabled = $one.enabled; AllowInboundRules = $one.inbound; AllowLocalFirewallRules = $one.local }
    }
}
